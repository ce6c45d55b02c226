//! The files of a tree, read once; real ones or a sample.

use std::fs;
use std::path::{Path, PathBuf};
use toml::Table;
use walkdir::WalkDir;

/// Kinds of files that are looked at.
const KINDS: [&str; 8] = ["rs", "toml", "sql", "sh", "yml", "yaml", "json", "md"];

/// All our files.
pub struct Tree {
    files: Vec<File>,
}

/// A file of ours.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Tree {
    /// The tree this test was built in, or that of `TIDY_ROOT`.
    pub fn real() -> Self {
        let root = root();
        let is_ours = |entry: &walkdir::DirEntry| {
            let name = entry.file_name().to_string_lossy();
            entry.depth() == 0
                || name == ".ci"
                || !name.starts_with('.') && name != "target" && name != "node_modules"
        };
        let entries = WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(is_ours);
        let files =
            entries.filter_map(|entry| File::read(&root, entry.expect("a readable tree").path())).collect();
        Self { files }
    }

    /// A sample.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        Self { files: files.iter().map(file).collect() }
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files().filter(|file| file.is("rs"))
    }

    /// The TOML file of this path; empty where there is none.
    pub fn table(&self, path: &str) -> Table {
        self.files().find(|file| file.path == path).map(File::table).unwrap_or_default()
    }
}

impl File {
    fn read(root: &Path, path: &Path) -> Option<Self> {
        let is_ours = path.extension().is_some_and(|kind| KINDS.iter().any(|ours| kind == *ours))
            || path.parent().and_then(Path::file_name).is_some_and(|folder| folder == ".ci");
        if !is_ours || !path.is_file() {
            return None;
        }
        let shown = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
        Some(Self { path: shown, text: fs::read_to_string(path).expect("our files are UTF-8") })
    }

    /// True for files ending in `.kind`.
    pub fn is(&self, kind: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, own)| own == kind)
    }

    /// The file's name without `.rs`.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The folder.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The service whose code it is.
    pub fn service(&self) -> Option<&str> {
        self.path.strip_prefix("services/")?.split('/').next()
    }

    /// The lines with their numbers.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(place, line)| (place + 1, line))
    }

    /// The line on which tests begin: the first in a test's file, the one after the last where there are none.
    pub fn tests_from(&self) -> usize {
        let is_tests =
            self.path.split('/').any(|part| part == "tests" || part == "tests.rs" || part == "benches");
        if is_tests {
            return 1;
        }
        let begins = |line: &str| line.starts_with("#[cfg(test)]") || line.starts_with("#![cfg(test)]");
        self.lines().find(|(_, line)| begins(line)).map_or(usize::MAX, |(number, _)| number)
    }

    /// The lines before the tests.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.tests_from();
        self.lines().take_while(move |(number, _)| *number < tests)
    }

    /// The lines of the tests.
    pub fn tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.tests_from();
        self.lines().skip_while(move |(number, _)| *number < tests)
    }

    /// The file as TOML.
    pub fn table(&self) -> Table {
        self.text.parse().unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// The line on which a text stands first; 1 where it does not.
    pub fn line_of(&self, text: &str) -> usize {
        self.lines().find(|(_, line)| line.contains(text)).map_or(1, |(number, _)| number)
    }
}

/// The uppermost folder.
#[expect(clippy::disallowed_methods, reason = "looks at another checkout; nothing that runs in production")]
pub fn root() -> PathBuf {
    std::env::var_os("TIDY_ROOT").map_or_else(|| own().join(".."), PathBuf::from)
}

/// The folder of this crate, whichever tree is looked at.
pub fn own() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A line without its comment.
pub fn without_comment(line: &str) -> &str {
    let is_link = |place: usize| line[..place].ends_with(':');
    line.match_indices("//").find(|(place, _)| !is_link(*place)).map_or(line, |(place, _)| &line[..place])
}

/// The string literals of a line.
pub fn literals(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

/// True where `word` stands in the text as a whole word.
pub fn has_word(text: &str, word: &str) -> bool {
    let continues = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(place, _)| {
        !text[..place].ends_with(continues) && !text[place + word.len()..].starts_with(continues)
    })
}

#[test]
fn a_file_is_split_where_its_tests_begin() {
    let tree = Tree::of(&[("a/b.rs", "one\n#[cfg(test)]\nmod tests"), ("a/tests/c.rs", "one")]);
    let lines: Vec<(usize, usize)> =
        tree.files().map(|file| (file.code().count(), file.tests().count())).collect();
    assert_eq!(lines, [(1, 2), (0, 1)]);
    assert!(has_word("Refusal::Late {", "Late") && !has_word("Refusal::LateFee", "Late"));
    assert_eq!(without_comment("a // b"), "a ");
    assert_eq!(literals("a(\"b\", \"c\")").collect::<Vec<_>>(), ["b", "c"]);
}
