//! Skills: folders of the user's, copied into the agent's home.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::load::Manifest;
use super::model::Located;
use super::plan::{AgentSource, HomeFile};
use super::problem::Problem;
use super::read::{FileError, Kept, canonical_within, read_bytes};
use super::resolve::path_help;

/// How many files the skills of one agent may hold together.
const FILES_LIMIT: usize = 2_000;
/// How many bytes the skills of one agent may hold together.
const BYTES_LIMIT: u64 = 16 * 1024 * 1024;
/// How deep a skill's folders may be nested.
const DEPTH_LIMIT: usize = 16;

/// The files of every skill, and the skills' names.
#[derive(Debug, Default)]
pub(super) struct Skills {
    pub(super) names: Vec<String>,
    pub(super) files: Vec<HomeFile>,
    bytes: u64,
}

#[derive(Debug, thiserror::Error)]
enum SkillError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("`{path}` in it: {why}")]
    Inside { path: String, why: FileError },
    #[error("`{path}` in it is a symbolic link")]
    Link { path: String },
    #[error("`{path}` in it has a name that is not UTF-8")]
    Name { path: String },
    #[error("it holds no SKILL.md")]
    NoSkill,
    #[error("its name `{name}` is not one of letters, digits, `-` and `_`")]
    BadName { name: String },
    #[error("another skill is called `{name}` too")]
    Twice { name: String },
    #[error("the skills together hold more than {FILES_LIMIT} files or {BYTES_LIMIT} bytes")]
    TooMuch,
    #[error("its folders are nested deeper than {DEPTH_LIMIT}")]
    TooDeep,
}

/// Reads every skill folder of an agent.
pub(super) fn read(
    folders: &[Located<String>],
    manifest: &Manifest,
    source: AgentSource,
    problems: &mut Vec<Problem>,
) -> Skills {
    let root = manifest.base(source);
    let kept = match source {
        AgentSource::Operator => Kept::Anywhere,
        AgentSource::Repository => Kept::Below(&root),
    };
    let mut skills = Skills::default();
    for folder in folders {
        let path = manifest.path_of(&folder.value, source);
        if let Err(error) = skills.add(&path, kept) {
            let message = format!("the skill `{}` cannot be taken: {error}", folder.value);
            let help = match error {
                SkillError::File(_) => path_help(source),
                SkillError::Link { .. } => {
                    String::from("replace the link by a copy of what it names")
                }
                SkillError::NoSkill => String::from("name the folder that holds the SKILL.md"),
                SkillError::Inside { .. }
                | SkillError::Name { .. }
                | SkillError::BadName { .. }
                | SkillError::Twice { .. } => String::from("rename or remove it"),
                SkillError::TooMuch | SkillError::TooDeep => String::from(
                    "name a smaller folder: every file is copied into the bottle's home",
                ),
            };
            problems.push(folder.place.problem(&message, Some(help)));
        }
    }
    skills.files.sort_by(|a, b| a.path.cmp(&b.path));
    skills
}

impl Skills {
    fn add(&mut self, path: &Path, kept: Kept<'_>) -> Result<(), SkillError> {
        let real = canonical_within(path, kept)?;
        if !real.is_dir() {
            return Err(FileError::NotFolder.into());
        }
        let name = skill_name(&real)?;
        if self.names.contains(&name) {
            return Err(SkillError::Twice { name });
        }
        if !real.join("SKILL.md").is_file() {
            return Err(SkillError::NoSkill);
        }
        self.walk(&real, &name)?;
        self.names.push(name);
        Ok(())
    }

    fn walk(&mut self, root: &Path, name: &str) -> Result<(), SkillError> {
        let mut folders = vec![(root.to_owned(), String::new(), 0_usize)];
        while let Some((folder, below, depth)) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(FileError::from)? {
                let entry = entry.map_err(FileError::from)?;
                let path = child(&below, &entry)?;
                let kind = entry.file_type().map_err(FileError::from)?;
                if kind.is_symlink() {
                    return Err(SkillError::Link { path });
                }
                if kind.is_dir() {
                    if depth >= DEPTH_LIMIT {
                        return Err(SkillError::TooDeep);
                    }
                    folders.push((entry.path(), path, depth + 1));
                } else {
                    self.take(&entry.path(), &path, name)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, from: &Path, path: &str, name: &str) -> Result<(), SkillError> {
        let left = BYTES_LIMIT.saturating_sub(self.bytes);
        let content = read_bytes(from, left).map_err(|why| match why {
            FileError::TooLong { .. } => SkillError::TooMuch,
            FileError::Absent
            | FileError::NotRegular
            | FileError::NotFolder
            | FileError::NotText
            | FileError::Escapes
            | FileError::Io { .. } => SkillError::Inside {
                path: path.to_owned(),
                why,
            },
        })?;
        let mode = fs::metadata(from)
            .map_err(FileError::from)?
            .permissions()
            .mode();
        self.bytes += u64::try_from(content.len()).unwrap_or(u64::MAX);
        self.files.push(HomeFile {
            path: format!(".claude/skills/{name}/{path}"),
            mode: if mode & 0o111 == 0 { 0o644 } else { 0o755 },
            content,
        });
        if self.files.len() > FILES_LIMIT {
            return Err(SkillError::TooMuch);
        }
        Ok(())
    }
}

fn child(below: &str, entry: &fs::DirEntry) -> Result<String, SkillError> {
    let name = entry.file_name();
    let Some(name) = name.to_str() else {
        let path = format!("{below}/{}", name.display());
        return Err(SkillError::Name { path });
    };
    Ok(if below.is_empty() {
        name.to_owned()
    } else {
        format!("{below}/{name}")
    })
}

fn skill_name(folder: &Path) -> Result<String, SkillError> {
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.len() <= 64 && name.chars().all(plain) {
        Ok(name)
    } else {
        Err(SkillError::BadName { name })
    }
}
