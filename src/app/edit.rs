//! Editing what is asked for in the operator's own editor.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::process::Command;

use super::exit::{Exit, Failure};
use crate::request::Ask;

/// Lets the operator change the content of a request: the Dockerfile as it is, all else
/// as JSON.
///
/// # Errors
/// [`Failure`] if there is no terminal or no editor, it fails, or what it leaves is not
/// something that can be granted.
pub(crate) fn edit(ask: &Ask, name: &str) -> Result<Ask, Failure> {
    let attempt = || format!("edit `{name}`");
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::because(attempt(), "there is no terminal for an editor").exit(Exit::Usage),
        );
    }
    let (text, suffix) = match ask {
        Ask::Image { dockerfile } => (dockerfile.clone(), ".Dockerfile"),
        ask @ (Ask::Route(_)
        | Ask::Packages { .. }
        | Ask::McpServer(_)
        | Ask::ScanPass(_)
        | Ask::Question { .. }) => {
            let json = serde_json::to_string_pretty(ask);
            (
                json.map_err(|error| Failure::new(attempt(), &error))?,
                ".json",
            )
        }
    };
    let edited = in_editor(&text, suffix).map_err(|error| {
        Failure::new(attempt(), &error).help("set EDITOR to the command of your editor")
    })?;
    let edited = match ask {
        Ask::Image { .. } => Ask::Image { dockerfile: edited },
        Ask::Route(_)
        | Ask::Packages { .. }
        | Ask::McpServer(_)
        | Ask::ScanPass(_)
        | Ask::Question { .. } => serde_json::from_str(&edited).map_err(|error| {
            Failure::new(attempt(), &error).help("nothing was approved; edit it again")
        })?,
    };
    if edited.kind() != ask.kind() {
        return Err(Failure::because(attempt(), "its kind cannot be changed"));
    }
    edited
        .check()
        .map_err(|error| Failure::new(attempt(), &error))?;
    Ok(edited)
}

/// Gives what the editor made of a text. The file is in a folder that only its owner may
/// enter, and goes with it.
fn in_editor(text: &str, suffix: &str) -> std::io::Result<String> {
    let folder = private_folder()?;
    let result = (|| {
        let path = folder.join(format!("request{suffix}"));
        let mut file = std::fs::File::create_new(&path)?;
        file.write_all(text.as_bytes())?;
        drop(file);
        let editor = ["VISUAL", "EDITOR"]
            .iter()
            .find_map(std::env::var_os)
            .filter(|editor| !editor.is_empty())
            .unwrap_or_else(|| OsString::from("vi"));
        // A shell, because people write `code --wait` there, as git does.
        let status = Command::new("sh")
            .arg("-c")
            .arg(r#"eval "$CELLAR_EDITOR \"\$1\"""#)
            .arg("sh")
            .arg(&path)
            .env("CELLAR_EDITOR", &editor)
            .status()?;
        if !status.success() {
            return Err(std::io::Error::other(
                "the editor failed; nothing was approved",
            ));
        }
        std::fs::read_to_string(&path)
    })();
    drop(std::fs::remove_dir_all(&folder));
    result
}

fn private_folder() -> std::io::Result<std::path::PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| std::io::Error::other(error.to_string()))?;
    let name = format!("cellar-{}", data_encoding::HEXLOWER.encode(&random));
    let folder = std::env::temp_dir().join(name);
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}
