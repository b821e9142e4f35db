for (const section of document.querySelectorAll('section')) {
  const show = (order) => {
    for (const part of section.querySelectorAll('[data-order]')) {
      part.style.display = part.dataset.order === order ? '' : 'none';
    }
  };
  for (const choice of section.querySelectorAll('input')) {
    choice.addEventListener('change', () => show(choice.value));
  }
  // A browser that loads a page again keeps the choice.
  show(section.querySelector('input:checked')?.value ?? '0');
  const light = (event, on) => {
    const row = event.target.closest('[data-call]');
    if (!row) return;
    for (const bar of section.querySelectorAll(`[data-call="${row.dataset.call}"]`)) {
      bar.classList.toggle('hot', on);
    }
  };
  section.addEventListener('mouseover', (event) => light(event, true));
  section.addEventListener('mouseout', (event) => light(event, false));
}
