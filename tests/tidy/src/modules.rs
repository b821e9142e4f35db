//! The modules of a crate: their files, the names they define or import, and the paths they use.
//!
//! Modules that are only there for tests are left out, and so is the inside of macro calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemMod, ItemUse, Meta, UseTree, Visibility};

/// A module's place in [`Crate::modules`].
pub type ModuleId = usize;

/// All modules that belong to one root file.
#[derive(Debug, Default)]
pub struct Crate {
    /// The root is the first.
    pub modules: Vec<Module>,
}

/// One module.
#[derive(Debug)]
pub struct Module {
    /// The file its items stand in.
    pub file: PathBuf,
    /// The module that declares it; `None` for the root.
    pub parent: Option<ModuleId>,
    /// Names that can be used in it: one may be a module and a function as well.
    pub names: BTreeMap<String, Vec<Name>>,
    /// Modules all of whose names it imports.
    pub globs: Vec<Vec<String>>,
    /// Paths used in it: imports, and paths of two segments and more. An import for others
    /// (`pub use`) is one of them only if the module uses its name itself.
    pub paths: Vec<Vec<String>>,
    /// Imports for others: the path, and the name they give it.
    exports: Vec<(Vec<String>, String)>,
    /// The first segments of all paths in items.
    used: BTreeSet<String>,
}

/// A name of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// An item that the module defines.
    Item,
    /// A module that it declares.
    Module(ModuleId),
    /// An item or module of another place.
    Import(Vec<String>),
}

impl Crate {
    /// Reads the crate with this root file.
    ///
    /// # Panics
    /// If a file is missing or is not Rust.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let mut this = Self::default();
        this.read_file(root, None, root.parent().expect("a file lies in a directory"));
        this
    }

    /// Adds the module in `file`, whose children lie in `children`.
    fn read_file(&mut self, file: &Path, parent: Option<ModuleId>, children: &Path) -> ModuleId {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let File { items, .. } =
            syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.add(file, parent, &items, children)
    }

    fn add(
        &mut self,
        file: &Path,
        parent: Option<ModuleId>,
        items: &[Item],
        children: &Path,
    ) -> ModuleId {
        let id = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            names: BTreeMap::new(),
            globs: Vec::new(),
            paths: Vec::new(),
            exports: Vec::new(),
            used: BTreeSet::new(),
        });
        for item in items {
            if let Item::Mod(child) = item {
                self.add_child(id, child, children);
            } else if let Item::Use(import) = item {
                add_import(&mut self.modules[id], import);
            } else {
                add_item(&mut self.modules[id], item);
            }
        }
        let module = &mut self.modules[id];
        for (path, name) in std::mem::take(&mut module.exports) {
            if module.used.contains(&name) {
                module.paths.push(path);
            }
        }
        id
    }

    fn add_child(&mut self, parent: ModuleId, child: &ItemMod, directory: &Path) {
        if child.attrs.iter().any(is_for_tests) {
            return;
        }
        let name = child.ident.to_string();
        let below = directory.join(&name);
        let file = self.modules[parent].file.clone();
        let id = match &child.content {
            Some((_, items)) => self.add(&file, Some(parent), items, &below),
            None => {
                let found = child.attrs.iter().find_map(|attribute| path_of(attribute, &file));
                let flat = directory.join(format!("{name}.rs"));
                let found = found
                    .unwrap_or_else(|| if flat.exists() { flat } else { below.join("mod.rs") });
                self.read_file(&found, Some(parent), &below)
            }
        };
        self.modules[parent].define(name, Name::Module(id));
    }

    /// The module that defines the item at `path`, as written in the module `from`; `None` if the
    /// path leads to a module, or out of the crate.
    #[must_use]
    pub fn definition(&self, from: ModuleId, path: &[String]) -> Option<ModuleId> {
        self.resolve(from, path, 0)
    }

    fn resolve(&self, at: ModuleId, path: &[String], depth: usize) -> Option<ModuleId> {
        // Imports of a crate that compiles end somewhere; this many steps are never needed.
        if depth > 64 {
            return None;
        }
        let (segment, rest) = path.split_first()?;
        let module = &self.modules[at];
        match segment.as_str() {
            "crate" => return self.resolve(0, rest, depth),
            "self" => return self.resolve(at, rest, depth),
            "super" => return self.resolve(module.parent?, rest, depth),
            _ => {}
        }
        let own = module.names.get(segment).into_iter().flatten();
        let found = own.filter_map(|name| match name {
            Name::Item => Some(at),
            Name::Module(child) => self.resolve(*child, rest, depth + 1),
            // `use name::inner` where `name` is a crate means that crate.
            Name::Import(import) if import.first() == Some(segment) => None,
            Name::Import(import) => self.resolve(at, &join(import, rest), depth + 1),
        });
        let by_glob = || {
            let globs = module.globs.iter();
            globs.filter_map(|glob| self.resolve(at, &join(glob, path), depth + 1)).next()
        };
        // Of a module and a function with one name, the module leads further where more follows.
        let mut found: Vec<_> = found.collect();
        if rest.is_empty() { found.into_iter().next() } else { found.pop() }.or_else(by_glob)
    }

    /// True if `ancestor` is the file of a module above `module`.
    #[must_use]
    pub fn is_above(&self, ancestor: &Path, module: ModuleId) -> bool {
        let parents =
            std::iter::successors(self.modules[module].parent, |at| self.modules[*at].parent);
        parents.into_iter().any(|parent| self.modules[parent].file == ancestor)
    }
}

impl Module {
    /// Adds a name. Modules come last, after a function of the same name.
    fn define(&mut self, name: String, meaning: Name) {
        let all = self.names.entry(name).or_default();
        match meaning {
            Name::Module(_) => all.push(meaning),
            Name::Item | Name::Import(_) => all.insert(0, meaning),
        }
    }
}

fn join(path: &[String], rest: &[String]) -> Vec<String> {
    [path, rest].concat()
}

fn add_import(module: &mut Module, import: &ItemUse) {
    if import.attrs.iter().any(is_for_tests) {
        return;
    }
    let is_for_others = !matches!(import.vis, Visibility::Inherited);
    flatten(&import.tree, &mut Vec::new(), &mut |path, name| match name {
        Some(name) => {
            if is_for_others {
                module.exports.push((path.to_vec(), name.clone()));
            } else {
                module.paths.push(path.to_vec());
            }
            module.define(name, Name::Import(path.to_vec()));
        }
        None => module.globs.push(path.to_vec()),
    });
}

/// Calls `found` with each imported path and the name it gets; no name for `*`.
fn flatten(
    tree: &UseTree,
    path: &mut Vec<String>,
    found: &mut impl FnMut(&[String], Option<String>),
) {
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            flatten(&inner.tree, path, found);
            path.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, path, found)),
        UseTree::Glob(_) => found(path, None),
        UseTree::Name(name) if name.ident == "self" => found(path, path.last().cloned()),
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            path.push(name.clone());
            found(path, Some(name));
            path.pop();
        }
        UseTree::Rename(rename) => {
            path.push(rename.ident.to_string());
            found(path, Some(rename.rename.to_string()));
            path.pop();
        }
    }
}

fn add_item(module: &mut Module, item: &Item) {
    if let Some(name) = defined(item) {
        module.define(name, Name::Item);
    }
    Paths(module).visit_item(item);
}

/// The name that an item defines, if it has one.
#[expect(clippy::wildcard_enum_match_arm, reason = "syn adds kinds of items as Rust does")]
fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Collects the paths in an item.
struct Paths<'a>(&'a mut Module);

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let all: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
            self.0.used.extend(all.first().cloned());
            if all.len() > 1 {
                self.0.paths.push(all);
            }
        }
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("cfg") && list.tokens.to_string() == "test"
}

/// The file that `#[path = "…"]` names.
fn path_of(attribute: &Attribute, file: &Path) -> Option<PathBuf> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else {
        return None;
    };
    pair.path.is_ident("path").then(|| file.with_file_name("").join(text.value()))
}
