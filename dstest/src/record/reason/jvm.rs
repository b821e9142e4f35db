//! Messages of JUnit's consoles, Maven and exceptions of the JVM.

use std::sync::LazyLock;

use regex::Regex;

use super::{Language, Message, Weight, group, pattern, place_of};

/// A message of the JVM that begins with this line.
pub(super) fn begun(text: &str) -> Option<Message> {
    // JUnit 5 puts an arrow before it; packages stand before the name, which is what people quote.
    static EXCEPTION: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"^[│\s]*(=> (?:Exception: )?|caught: |Exception in thread "[^"]*" |Caused by: )?(?:[a-z_]\w*\.)+([A-Z][\w$]*(?:Error|Exception|Failure)\w*)(?:: (.*)| at (\w+\.\w+):([0-9]+))?$"#,
        )
    });
    static SUREFIRE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^\[ERROR\]\s+(\w[\w.$]*:[0-9]+) (.+)$"));
    if let Some(found) = SUREFIRE.captures(text) {
        let text = format!("{} ({})", group(&found, 2), group(&found, 1));
        return Some(Message::new(Language::Jvm, Weight::Framework, text));
    }
    let found = EXCEPTION.captures(text)?;
    if group(&found, 1) == "Caused by: " {
        return None;
    }
    let (name, message) = (group(&found, 2), group(&found, 3));
    let text = if message.is_empty() { name.to_owned() } else { format!("{name}: {message}") };
    let message = Message::new(Language::Jvm, Weight::Framework, text);
    // Gradle prints the place alone.
    let (file, line) = (group(&found, 4), group(&found, 5));
    Some(if file.is_empty() { message } else { message.at(place_of(file, line)) })
}

/// `at pkg.Class.method(File.java:12)`, outside of the framework.
pub(super) fn place(text: &str) -> Option<String> {
    static FRAME: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^[│\s]*(?:at )?(?:[\w.@]*/)*([\w.$]+)\.[\w$<>]+\((\w+\.(?:java|kt|scala|groovy)):([0-9]+)\)$",
        )
    });
    let found = FRAME.captures(text)?;
    let class = group(&found, 1);
    let is_own = !FRAMEWORKS.iter().any(|package| class.starts_with(package));
    is_own.then(|| place_of(group(&found, 2), group(&found, 3)))
}

/// `JUnit Jupiter:MyTest:testFoo()` and `1) testFoo(MyTest)`.
pub(super) fn named_test(text: &str) -> Option<String> {
    static JUPITER: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^\s*JUnit (?:Jupiter|Vintage):(.+)$"));
    static JUNIT_4: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*[0-9]+\) (\w+\([\w.$]+\))$"));
    // Gradle, and Maven's surefire while tests run.
    static GRADLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\S+ > .+) FAILED$"));
    static SUREFIRE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^\[ERROR\] (?:[a-z_]\w*\.)*(\w[\w$]*\.\w+)\S* .*<<< (?:FAILURE|ERROR)!")
    });
    let found = JUPITER.captures(text).or_else(|| JUNIT_4.captures(text));
    let found = found.or_else(|| GRADLE.captures(text)).or_else(|| SUREFIRE.captures(text))?;
    Some(group(&found, 1).to_owned())
}

/// Packages through which every failure passes.
const FRAMEWORKS: [&str; 9] = [
    "org.junit.",
    "org.opentest4j.",
    "org.hamcrest.",
    "org.assertj.",
    "junit.",
    "java.",
    "jdk.",
    "sun.",
    "kotlin.",
];
