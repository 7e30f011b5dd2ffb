//! The demo's agent looks at its own cage, as the kernel tells it.

/// One thing seen: what it is, and what the kernel says of it.
pub(super) type Sight = (&'static str, String);

/// Looks around.
pub(super) fn look() -> Vec<Sight> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    sights(
        &read("/proc/self/status"),
        &read("/proc/net/dev"),
        &read("/proc/net/route"),
        &read("/proc/self/mounts"),
    )
}

fn sights(status: &str, devices: &str, routes: &str, mounts: &str) -> Vec<Sight> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("unknown", str::trim).to_owned()
    };
    let uid = field("Uid:");
    let uid = uid.split_whitespace().next().unwrap_or("unknown");
    vec![
        ("user id", uid.to_owned()),
        ("interfaces", interfaces(devices)),
        ("routes", routes.lines().skip(1).count().to_string()),
        (
            "capabilities",
            capabilities(&field("CapEff:"), &field("CapBnd:")),
        ),
        (
            "new privileges",
            on(&field("NoNewPrivs:"), "none can be gained", "can be gained"),
        ),
        ("system calls", on_filter(&field("Seccomp:"))),
        ("root file system", root(mounts)),
    ]
}

fn interfaces(devices: &str) -> String {
    let names: Vec<&str> = devices
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim())
        .collect();
    if names.is_empty() {
        "unknown".to_owned()
    } else {
        names.join(", ")
    }
}

fn capabilities(effective: &str, bounding: &str) -> String {
    let none = |mask: &str| !mask.is_empty() && mask.bytes().all(|byte| byte == b'0');
    if none(effective) && none(bounding) {
        "none, and none to be had".to_owned()
    } else {
        format!("effective {effective}, bounding {bounding}")
    }
}

fn on(value: &str, yes: &str, no: &str) -> String {
    match value {
        "1" => yes.to_owned(),
        "0" => no.to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn on_filter(value: &str) -> String {
    match value {
        "2" => "filtered by seccomp".to_owned(),
        "0" => "not filtered".to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn root(mounts: &str) -> String {
    let options = mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        (words.next()? == "/").then(|| words.nth(1))?
    });
    match options.map(|options| options.split(',').any(|option| option == "ro")) {
        Some(true) => "read-only".to_owned(),
        Some(false) => "writable".to_owned(),
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_cage_is_told_from_an_open_one() {
        let status = "Name:\tcellar\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n\
            CapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n";
        let devices = "Inter-|   Receive\n face |bytes\n    lo: 0 0\n";
        let mounts = "proc /proc proc rw 0 0\noverlay / overlay ro,relatime 0 0\n";
        let sealed: Vec<String> = sights(status, devices, "Iface\tDestination\n", mounts)
            .into_iter()
            .map(|(_, seen)| seen)
            .collect();
        assert_eq!(
            sealed,
            [
                "1000",
                "lo",
                "0",
                "none, and none to be had",
                "none can be gained",
                "filtered by seccomp",
                "read-only"
            ]
        );
        let open = "Uid:\t0\t0\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n";
        let devices = "h\nh\n lo: 0\n eth0: 0\n";
        let open: Vec<String> = sights(open, devices, "h\na\nb\n", "overlay / overlay rw 0 0\n")
            .into_iter()
            .map(|(_, seen)| seen)
            .collect();
        assert_eq!(
            open.get(1..3),
            Some(&["lo, eth0".to_owned(), "2".to_owned()][..])
        );
        assert_eq!(open.last().map(String::as_str), Some("writable"));
    }

    #[test]
    fn what_the_kernel_does_not_say_is_unknown() {
        let seen = sights("", "", "", "");
        assert!(seen.contains(&("interfaces", "unknown".to_owned())));
        assert!(seen.contains(&("root file system", "unknown".to_owned())));
    }
}
