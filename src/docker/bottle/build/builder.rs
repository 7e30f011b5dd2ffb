//! Which process builds, so that what a killed one left is told from what another one
//! is at work with.

use std::fs::{read_link, read_to_string};

/// Names this process among all that this machine ever runs: its boot, its namespace of
/// process ids, its id and its start. Empty where the kernel does not say.
pub(super) fn own() -> String {
    let (Some(boot), Some(namespace)) = (boot(), namespace()) else {
        return String::new();
    };
    let pid = std::process::id();
    start(pid).map_or_else(String::new, |start| {
        format!("{boot}/{namespace}/{pid}/{start}")
    })
}

/// Whether the process of that name has ended for sure.
pub(super) fn is_gone(builder: &str) -> bool {
    let parts: Vec<&str> = builder.split('/').collect();
    let [of_boot, of_namespace, pid, began] = parts.as_slice() else {
        return false;
    };
    if boot().is_none_or(|boot| boot != *of_boot) {
        return boot().is_some();
    }
    if namespace().is_none_or(|own| own != *of_namespace) {
        return false;
    }
    pid.parse()
        .is_ok_and(|pid| start(pid).as_deref() != Some(*began))
}

fn boot() -> Option<String> {
    let text = read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

fn namespace() -> Option<String> {
    let link = read_link("/proc/self/ns/pid").ok()?;
    let digits = |c: &char| c.is_ascii_digit();
    Some(link.to_string_lossy().chars().filter(digits).collect())
}

/// When a process began, in ticks since the boot (`proc_pid_stat(5)`, field 22). Its name
/// comes before that, in brackets, and may hold anything.
fn start(pid: u32) -> Option<String> {
    let text = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind) = text.rsplit_once(')')?;
    behind.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_runs_is_not_gone_and_another_of_its_number_is() {
        let own = own();
        assert_eq!(own.split('/').count(), 4);
        assert!(!is_gone(&own));
        assert!(is_gone(&format!("{own}0")), "another start");
        assert!(is_gone(&format!("0{own}")), "another boot");
        // What nobody can know of is not taken for gone.
        let parts: Vec<&str> = own.split('/').collect();
        assert!(!is_gone(&format!(
            "{}/0/{}/{}",
            parts[0], parts[2], parts[3]
        )));
        assert!(!is_gone("") && !is_gone("a word"));
    }
}
