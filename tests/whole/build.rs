//! Images built from Dockerfiles whose text may be an agent's: what their steps reach,
//! what they do not, and that a build leaves nothing behind however it ends.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::double::{Double, Vouched};
use crate::support::engine::{Engine, engine_or_skip};
use crate::support::model::clients_image;
use crate::support::operator::Operator;

/// One bottle on an image that is built, and what its build leaves on the engine.
struct Build {
    engine: Engine,
    operator: Operator,
    bottle: String,
}

impl Build {
    /// `steps` follow a beginning that no other run of a test has, so that the builder
    /// has none of them in its cache.
    fn of(engine: Engine, steps: impl FnOnce(&str) -> String) -> Self {
        let manifest = serde_json::json!({
            "bottles": {"built": {
                "image": {"dockerfile": "Dockerfile"},
                "build": {
                    "routes": [{"host": "site.test", "connect_to": "127.0.0.1", "allow_private": true}],
                    "memory": "1GiB", "cpus": 1,
                },
                "limits": {"memory": "256MiB", "tmp": "16MiB"},
            }},
            "agents": {"built": {"bottle": "built", "provider": {
                "command": ["sleep", "infinity"],
            }}},
        });
        let operator = Operator::new(engine, &manifest.to_string());
        let bottle = operator.name();
        let base = clients_image();
        let text = format!(
            "FROM {base}\nLABEL cellar.test=build cellar.test.bottle={bottle}\n{}",
            steps(&bottle)
        );
        operator.write("Dockerfile", &text);
        Self {
            engine,
            operator,
            bottle,
        }
    }

    /// Begins the start whose build it is.
    fn begin(&self) -> Child {
        let name = ["start", "built", "--yes", "--name", &self.bottle];
        let mut command = self.operator.command(&name);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        piped.spawn().unwrap()
    }

    fn of_build(&self) -> String {
        format!("cellar.build={}", self.bottle)
    }

    /// The container of the step that runs: images hand their labels down, to the
    /// bottle's own container too.
    fn steps(&self) -> String {
        let filter = format!("label=cellar.test.bottle={}", self.bottle);
        let format = "{{.ID}} {{.Label \"cellar.bottle\"}}";
        let all = ["ps", "--filter", &filter, "--format", format];
        let listed = self.engine.docker(&all);
        let of_builds = listed.lines().map(str::trim);
        of_builds.filter(|line| !line.contains(' ')).collect()
    }

    /// The egress of the build, once it is there.
    fn egress(&self) -> String {
        let label = format!("label={}", self.of_build());
        let ask = ["ps", "-q", "--filter", &label, "--filter", "name=-egress"];
        self.operator.wait_until("the build's egress", |_| {
            !self.engine.docker(&ask).is_empty()
        });
        self.engine.docker(&ask)
    }

    #[track_caller]
    fn left_nothing(&self) {
        self.operator
            .wait_until("the step's end", |_| self.steps().is_empty());
        let left = self.engine.labelled(&self.of_build());
        assert_eq!(left, Vec::<String>::new(), "left of the build");
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        self.engine.remove_labelled(&self.of_build());
        let label = format!("label=cellar.test.bottle={}", self.bottle);
        let of = |what: &[&str]| {
            let all = [what, &["-aq", "--filter", &label]].concat();
            let said = self.engine.try_docker(&all).stdout;
            String::from_utf8_lossy(&said).into_owned()
        };
        for container in of(&["ps"]).lines() {
            drop(self.engine.try_docker(&["rm", "-f", container]));
        }
        // The last is made from those before it.
        for image in of(&["image", "ls"]).lines() {
            drop(self.engine.try_docker(&["rmi", "-f", image]));
        }
    }
}

/// Everything that a process wrote until it ended, and whether it ended well.
fn end(mut process: Child) -> (String, bool) {
    let mut said = String::new();
    let mut error = process.stderr.take().unwrap();
    error.read_to_string(&mut said).unwrap();
    let ended = process.wait().unwrap();
    (said, ended.success())
}

/// Addresses of the engine's machine as its containers see it.
fn addresses(engine: Engine) -> Vec<String> {
    let format = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
    let all = engine.docker(&[
        "network",
        "inspect",
        "bridge",
        "cellar-egress",
        "--format",
        format,
    ]);
    all.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn steps_reach_what_the_template_routes_and_nothing_else() {
    let Some(engine) = engine_or_skip("steps_reach_what_the_template_routes") else {
        return;
    };
    // Makes the network whose gateway is tried.
    let first = Build::of(engine, |_| String::from("CMD true\n"));
    let (said, is_well) = end(first.begin());
    assert!(is_well, "{said}");
    first.operator.cellar(&["rm", "--yes", &first.bottle]);
    first.left_nothing();

    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let machine = addresses(engine);
    assert!(!machine.is_empty(), "{machine:?}");
    let build = Build::of(engine, |_| {
        let mut steps = String::from(
            "RUN tail -n +3 /proc/net/dev | cut -d: -f1 | sed 's/^ */INTERFACE /'\n\
             RUN curl -sSk --retry 90 --retry-delay 1 --retry-all-errors https://site.test/\n\
             RUN curl -sSk https://registry.example/ || echo REFUSED $?\n\
             RUN curl -sSk --noproxy '*' https://site.test/ || echo UNRESOLVED $?\n\
             RUN echo LIMIT $(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)\n",
        );
        for address in &machine {
            let direct = format!(
                "RUN curl -sS -m 5 --noproxy '*' http://{address}:{port}/ || echo UNREACHED $?\n"
            );
            let proxied =
                format!("RUN curl -sS --fail -m 5 http://{address}:{port}/ || echo UNPROXIED $?\n");
            steps += &(direct + &proxied);
        }
        steps
    });
    let vouched = Vouched::for_hosts(&["site.test"]);
    let start = build.begin();
    let egress = build.egress();
    let origin = Double::run(
        engine,
        "origin-double",
        &egress,
        "127.0.0.1:443",
        &vouched.environment(),
    );
    let (said, is_well) = end(start);
    assert!(is_well, "{said}\n{}", origin.log());
    // Printed lines, not the instructions that hold the same words.
    let has = |wanted: &str| said.lines().any(|line| line.trim() == wanted);
    let printed = |word: &str| {
        let lines = said.lines().map(str::trim);
        lines.filter(|line| line.starts_with(word)).count()
    };
    assert!(has("INTERFACE lo") && printed("INTERFACE ") == 1, "{said}");
    assert!(said.contains("a small site"), "{said}");
    assert!(has("REFUSED 56"), "{said}");
    let words = "egress refused registry.example:443: add it to build.routes of the template built";
    assert!(has(words), "{said}");
    assert!(has("UNRESOLVED 6"), "{said}");
    assert!(has("LIMIT 1073741824"), "{said}");
    assert!(said.contains("  step 2/"), "{said}");
    assert_eq!(printed("UNREACHED 7"), machine.len(), "{said}");
    assert_eq!(printed("UNPROXIED 22"), machine.len(), "{said}");
    assert!(listener.accept().is_err(), "a step reached the machine");

    let agent = engine.container(&build.bottle, "agent");
    let image = engine.docker(&["inspect", "--format", "{{.Image}}", &agent]);
    let history = engine.docker(&["history", "--no-trunc", &image]);
    assert!(history.contains("registry.example"), "{history}");
    let inspected = engine.docker(&["image", "inspect", &image]);
    for text in [history, inspected] {
        let text = text.to_ascii_lowercase();
        assert!(!text.contains("3128") && !text.contains("_proxy"), "{text}");
    }
    build.left_nothing();

    // The same text is not built again.
    let again = build.operator.name();
    let start = build
        .operator
        .cellar(&["start", "built", "--yes", "--name", &again]);
    assert!(!start.contains("step "), "{start}");
    for bottle in [&again, &build.bottle] {
        build.operator.cellar(&["rm", "--yes", bottle]);
        build.operator.left_nothing(bottle);
    }
}

#[test]
fn a_build_that_fails_says_where_and_why_and_leaves_nothing() {
    let Some(engine) = engine_or_skip("a_build_that_fails_says_where_and_why") else {
        return;
    };
    let build = Build::of(engine, |_| {
        String::from("RUN echo before && curl -sSk --fail https://registry.example/\n")
    });
    let (said, is_well) = end(build.begin());
    assert!(!is_well, "{said}");
    for words in [
        "step 3/4 `RUN echo before",
        "returned a non-zero code: 22",
        "egress refused registry.example:443: add it to build.routes of the template built; it said: ",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    build.left_nothing();
    build.operator.left_nothing(&build.bottle);
}

/// An interrupted build ends on the engine too; after a kill, the next look removes what
/// is left.
#[test]
fn a_build_that_is_cut_off_leaves_nothing() {
    let Some(engine) = engine_or_skip("a_build_that_is_cut_off_leaves_nothing") else {
        return;
    };
    for signal in [Signal::INT, Signal::KILL] {
        let build = Build::of(engine, |_| String::from("RUN sleep 600\n"));
        let start = build.begin();
        build
            .operator
            .wait_until("the step", |_| !build.steps().is_empty());
        let id = i32::try_from(start.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
        let (said, is_well) = end(start);
        assert!(!is_well, "{said}");
        if signal == Signal::KILL {
            let left = engine.labelled(&build.of_build());
            assert_eq!(left.len(), 3, "{left:?}");
            build.operator.cellar(&["cleanup", "--yes"]);
        }
        build.left_nothing();
        build.operator.left_nothing(&build.bottle);
    }
}
