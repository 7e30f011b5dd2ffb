//! Builds: what is asked of the builder, what its fence is made of, and that nothing of
//! it is left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::super::{
    BuildRemains, Progress, StepNews, UpCause, leftovers, remove, remove_builds, remove_leftovers,
    stop, up,
};
use super::support::{OWNER, TAG, Wanted, engine, id, small};
use crate::docker::fake::{FakeEngine, Fault};
use crate::docker::labels;
use crate::docker::model::{BuildNetwork, BuildRequest, MountRequest, NetworkWish};
use crate::policy::{HostName, Provenance, Route, RouteSet, Tls};
use crate::spec::{Digest, ImageSource, layout};
use crate::wire::SidecarConfig;

const RUNS: &str = "FROM agents.test/claude:1\nRUN make\n";

fn tag(text: &str) -> String {
    format!("cellar/built:{}", Digest::of(text.as_bytes()).short())
}

/// A bottle on an image that is built.
fn built(text: &str) -> Wanted {
    let mut wanted = small();
    wanted.request.spec.image = ImageSource::Dockerfile {
        text: text.to_owned(),
    };
    let host = HostName::parse("pkgs.test").unwrap();
    let mut route = Route::to(host, vec![443], Provenance::Builtin);
    route.tls = Tls::Splice;
    wanted.request.spec.build.routes = vec![route];
    wanted
}

/// Makes the bottle; gives all that was said of its image, and how it ended.
async fn up_heard(engine: &FakeEngine, wanted: &Wanted) -> (Vec<StepNews>, Result<(), UpCause>) {
    let (news, mut heard) = mpsc::channel::<Progress>(1024);
    let ended = up(Arc::new(engine.clone()), wanted.request.clone(), news).await;
    let mut all = Vec::new();
    while let Ok(progress) = heard.try_recv() {
        if !matches!(progress.news, StepNews::Began | StepNews::Done { .. }) {
            all.push(progress.news);
        }
    }
    (all, ended.map(drop).map_err(|error| error.cause))
}

fn asked(engine: &FakeEngine) -> Vec<BuildRequest> {
    engine.world().builder.asked.clone()
}

fn fences(engine: &FakeEngine) -> usize {
    engine.world().labelled(labels::BUILD).len()
}

fn output(text: &str) -> StepNews {
    StepNews::Output(text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn steps_run_on_the_helpers_network_and_nothing_is_left() {
    let (engine, wanted) = (engine(), built(RUNS));
    let (said, ended) = up_heard(&engine, &wanted).await;
    ended.unwrap();
    let [request] = asked(&engine).try_into().unwrap();
    assert_eq!(request.tag, tag(RUNS));
    assert!(matches!(request.network, BuildNetwork::Container(_)));
    assert_eq!((request.memory_bytes, request.cpu_millis), (4 << 30, 2_000));
    let names: Vec<&str> = request.arguments.keys().map(String::as_str).collect();
    let expected = [
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    ];
    assert_eq!(names, expected);
    assert_eq!(request.arguments["http_proxy"], "http://127.0.0.1:3128");
    let step = |number, instruction: &str| StepNews::BuildStep {
        number,
        of: 3,
        instruction: instruction.to_owned(),
    };
    let expected = [
        output("pulled"),
        step(1, "FROM agents.test/claude:1"),
        step(2, "RUN make"),
    ];
    assert_eq!(said, expected);
    assert_eq!(fences(&engine), 0);
}

/// The build hangs, so that its fence can be looked at.
#[tokio::test(start_paused = true)]
async fn the_fence_is_an_egress_of_its_own_and_a_helper_without_a_network() {
    let (engine, wanted) = (engine(), built(RUNS));
    engine.world().builder.hangs = true;
    let (news, _) = mpsc::channel(1);
    let making = up(Arc::new(engine.clone()), wanted.request.clone(), news);
    let cut_off = tokio::time::timeout(Duration::from_secs(1), making).await;
    assert!(cut_off.is_err());
    {
        let world = engine.world();
        let of = |part: &str| {
            let mut all = world.containers.iter();
            let found = all
                .find(|found| found.request.name.ends_with(part))
                .unwrap();
            assert!(found.is_running());
            found.request.clone()
        };
        let (egress, helper) = (of("-egress"), of("-helper"));
        assert_eq!(helper.network, NetworkWish::None);
        assert_eq!(helper.argv.last().unwrap(), "forward");
        assert!(helper.mounts.iter().all(MountRequest::is_read_only));
        assert_eq!(egress.argv.last().unwrap(), "egress");
        let NetworkWish::Joined(network) = &egress.network else {
            panic!("{egress:?}")
        };
        assert!(world.networks.iter().any(|found| found.id == *network));
        let config = egress.env[0].split_once('=').unwrap();
        assert_eq!(config.0, layout::SIDECAR_CONFIG_ENV);
        let config: SidecarConfig = serde_json::from_str(config.1).unwrap();
        assert_eq!(
            config.routes,
            RouteSet::of(wanted.request.spec.build.routes.clone())
        );
        for request in [egress, helper] {
            assert_eq!(request.uid, layout::SIDECAR_UID);
            let keys: Vec<&str> = request.labels.keys().map(String::as_str).collect();
            assert_eq!(keys, [labels::BUILD, labels::BUILDER, labels::OWNER]);
        }
    }
    assert_eq!(fences(&engine), 3);
    // Dropped, it is found by the bottle's label, and by no other bottle's or owner's.
    remove_builds(&engine, "another", &id()).await.unwrap();
    assert_eq!(fences(&engine), 3);
    stop(&engine, OWNER, &id(), Duration::ZERO).await.unwrap();
    assert_eq!(fences(&engine), 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_runs_nothing_gets_no_fence_and_no_network() {
    let (engine, wanted) = (engine(), built("FROM agents.test/claude:1\nUSER agent\n"));
    up_heard(&engine, &wanted).await.1.unwrap();
    assert_eq!(asked(&engine)[0].network, BuildNetwork::None);
    let calls = engine.calls();
    assert!(
        !calls
            .iter()
            .any(|call| call.on.starts_with("cellar-build-"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_egress_refused_is_told_once_and_stands_in_the_failure() {
    let (engine, wanted) = (engine(), built(RUNS));
    {
        let builder = &mut engine.world().builder;
        let refused = "refused CONNECT registry.example:443 (host_not_allowed)";
        builder.egress_says = vec![refused.to_owned(), refused.to_owned()];
        builder.prints = vec![String::from("curl: (56) \u{1b}[31mn\u{1b}[2Jo\n")];
        builder.fails = Some(String::from(
            "The command 'make' returned a non-zero code: 56",
        ));
    }
    let (said, ended) = up_heard(&engine, &wanted).await;
    let words = "egress refused registry.example:443: add it to build.routes of the template plain";
    let told = said.iter().filter(|news| **news == output(words));
    assert_eq!(told.count(), 1, "{said:?}");
    let failure = ended.unwrap_err().to_string();
    assert_eq!(
        failure,
        format!(
            "build the image: step 2/3 `RUN make`: The command \\'make\\' returned a non-zero code: 56; {words}; it said: curl: (56) n\\u{{1b}}[2Jo"
        )
    );
    assert_eq!(fences(&engine), 0);
}

#[tokio::test(start_paused = true)]
async fn a_build_that_takes_too_long_is_ended_and_says_what_to_change() {
    let (engine, mut wanted) = (engine(), built(RUNS));
    wanted.request.spec.build.timeout = Duration::from_secs(90);
    engine.world().builder.hangs = true;
    let failure = up_heard(&engine, &wanted).await.1.unwrap_err().to_string();
    assert_eq!(
        failure,
        "build the image: step 2/3 `RUN make`: it took longer than 90 s; raise `timeout` under the template\\'s `build`"
    );
    assert_eq!(fences(&engine), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fence_that_does_not_serve_is_no_fence_and_nothing_is_built() {
    for break_it in [
        (|engine: &FakeEngine| engine.world().builder.fence_ends = true) as fn(&FakeEngine),
        |engine| {
            engine.world().changes_by_suffix = Some((String::from("-helper"), |found| {
                found.network_mode = String::from("bridge");
            }));
        },
    ] {
        let (engine, wanted) = (engine(), built(RUNS));
        break_it(&engine);
        let failure = up_heard(&engine, &wanted).await.1.unwrap_err().to_string();
        assert!(failure.starts_with("fence the build: "), "{failure}");
        assert_eq!((asked(&engine), fences(&engine)), (Vec::new(), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_text_is_built_again_only_when_its_base_moved() {
    let (engine, wanted) = (engine(), built(RUNS));
    let again = async |builds: usize| {
        up_heard(&engine, &wanted).await.1.unwrap();
        assert_eq!(asked(&engine).len(), builds);
        remove(&engine, OWNER, &id()).await.unwrap();
    };
    again(1).await;
    again(1).await;
    // The base's tag moves to another image.
    {
        let mut world = engine.world();
        world.images.retain(|image| image.tags != [TAG]);
        world.add_image(TAG, BTreeMap::new());
    }
    again(2).await;
    // One that went away cannot have changed.
    engine.world().images.retain(|image| image.tags != [TAG]);
    again(2).await;
    // An image of that name which is not ours does not count.
    engine
        .world()
        .images
        .retain(|image| image.tags != [tag(RUNS)]);
    engine.world().add_image(&tag(RUNS), BTreeMap::new());
    again(3).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_there_is_pulled_first_or_named() {
    let missing = "FROM agents.test/claude:1\nCOPY --from=other.test/tools:2 /a /a\n";
    let (engine, wanted) = (engine(), built(missing));
    let failure = up_heard(&engine, &wanted).await.1.unwrap_err().to_string();
    let expected =
        "get the image `other.test/tools:2`: the engine has none of that name and pulling failed (";
    assert!(failure.starts_with(expected), "{failure}");
    assert!(failure.ends_with("build or `docker pull` it, or name another in the Dockerfile"));
    assert_eq!(asked(&engine), []);
    for (text, words) in [
        ("ARG X\nFROM $X\n", "line 2 of the Dockerfile names `$X`"),
        ("FROM a b\n", "read the Dockerfile: "),
    ] {
        let failure = up_heard(&engine, &built(text)).await.1.unwrap_err();
        assert!(failure.to_string().contains(words), "{failure}");
    }
}

/// Whichever call fails: no fence stays, and no image is taken for built that is not.
#[tokio::test(start_paused = true)]
async fn a_build_that_breaks_anywhere_leaves_no_fence() {
    let probe = engine();
    up_heard(&probe, &built(RUNS)).await.1.unwrap();
    let removals = ["remove", "remove_volume"];
    for (index, call) in probe.calls().into_iter().enumerate() {
        if removals.contains(&call.what) {
            continue;
        }
        let engine = engine();
        engine.at(index, Fault::away());
        drop(up_heard(&engine, &built(RUNS)).await);
        assert_eq!(fences(&engine), 0, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cleanup_finds_what_a_killed_console_left_and_not_what_another_builds() {
    let (engine, wanted) = (engine(), built(RUNS));
    engine.world().builder.hangs = true;
    let (news, _) = mpsc::channel(1);
    let making = up(Arc::new(engine.clone()), wanted.request.clone(), news);
    drop(tokio::time::timeout(Duration::from_secs(1), making).await);
    let guest = &wanted.request.guest;
    let look = async |kept: &[crate::spec::BottleId], owner| {
        let found = leftovers(&engine, owner, kept, guest).await.unwrap();
        (found.builds.containers.len(), found.builds.volumes.len())
    };
    // This very process builds for a bottle on record.
    assert_eq!(look(&[id()], OWNER).await, (0, 0));
    assert_eq!(look(&[], "another").await, (0, 0));
    assert_eq!(look(&[], OWNER).await, (2, 1));
    {
        let mut world = engine.world();
        for container in &mut world.containers {
            if let Some(builder) = container.request.labels.get_mut(labels::BUILDER) {
                builder.push('0');
            }
        }
    }
    assert_eq!(look(&[id()], OWNER).await, (2, 0));
    let found = leftovers(&engine, OWNER, &[], guest).await.unwrap();
    assert_eq!(found.words().len(), 3);
    remove_leftovers(&engine, OWNER, &found).await.unwrap();
    let found = leftovers(&engine, OWNER, &[], guest).await.unwrap();
    assert_eq!(found.builds, BuildRemains::default());
}
