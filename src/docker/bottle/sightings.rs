//! Bottles as their containers' labels tell them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::docker::engine::Engine;
use crate::docker::error::EngineError;
use crate::docker::labels;
use crate::docker::model::ContainerSummary;
use crate::spec::{BottleId, Digest};
use crate::state::{BottleRef, BottleSighting, ContainerSighting, ContainerState, EngineId};
use crate::wire::Role;

/// Every bottle on the engine, whosever it is, by id.
///
/// # Errors
/// [`EngineError`] if the engine does not list its containers.
pub async fn sightings(engine: &dyn Engine) -> Result<Vec<BottleSighting>, EngineError> {
    let containers = engine.containers(labels::BOTTLE).await?;
    Ok(gather(engine.id(), containers))
}

/// Puts containers together by their bottle. One whose labels are not ours to the
/// letter belongs to none.
fn gather(engine: &EngineId, containers: Vec<ContainerSummary>) -> Vec<BottleSighting> {
    let mut bottles: BTreeMap<BottleId, BottleSighting> = BTreeMap::new();
    for container in containers {
        let label = |key: &str| container.labels.get(key).cloned();
        let (Some(id), Some(role)) = (
            label(labels::BOTTLE).and_then(|text| BottleId::parse(&text).ok()),
            labels::role(&container.labels),
        ) else {
            continue;
        };
        let sighting = bottles.entry(id.clone()).or_insert_with(|| BottleSighting {
            bottle: BottleRef {
                engine: engine.clone(),
                id,
            },
            agent: label(labels::AGENT).unwrap_or_default(),
            spec: label(labels::SPEC)
                .and_then(|text| Digest::try_from(text).ok())
                .unwrap_or_else(|| Digest::of(b"")),
            owner: label(labels::OWNER).unwrap_or_default(),
            is_demo: label(labels::DEMO).is_some(),
            created: Timestamp::MAX,
            is_cut: false,
            containers: Vec::new(),
        });
        // Where the engine does not list networks, nothing is known of a cut.
        let networks = container.networks.as_ref();
        let is_parted = networks.is_some_and(Vec::is_empty);
        let is_up = matches!(
            container.state,
            ContainerState::Running | ContainerState::Paused
        );
        sighting.is_cut |= role == Role::Egress && is_up && is_parted;
        sighting.created = sighting.created.min(container.created);
        sighting.containers.push(ContainerSighting {
            container: container.id,
            role,
            state: container.state,
        });
    }
    let mut bottles: Vec<BottleSighting> = bottles.into_values().collect();
    for bottle in &mut bottles {
        bottle.containers.sort_by_key(|container| container.role);
    }
    bottles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> EngineId {
        EngineId(String::from("far"))
    }

    fn container(labels: &[(&str, &str)]) -> ContainerSummary {
        ContainerSummary {
            id: String::from("c1"),
            name: String::from("n"),
            image: String::from("i"),
            labels: labels
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            state: ContainerState::Running,
            created: Timestamp::UNIX_EPOCH,
            networks: None,
        }
    }

    #[test]
    fn egress_that_runs_without_a_network_is_cut() {
        let of = |role, state, networks: Option<&[&str]>| ContainerSummary {
            state,
            networks: networks.map(|names| names.iter().map(ToString::to_string).collect()),
            ..container(&[(labels::BOTTLE, "api-1"), (labels::ROLE, role)])
        };
        let running = || ContainerState::Running;
        let stopped = ContainerState::Exited { code: None };
        let none: Option<&[&str]> = Some(&[]);
        for (role, state, networks, is_cut) in [
            ("egress", running(), none, true),
            ("egress", ContainerState::Paused, none, true),
            ("egress", stopped, none, false),
            (
                "egress",
                running(),
                Some(&["cellar-egress"] as &[&str]),
                false,
            ),
            ("egress", running(), None, false),
            ("agent", running(), none, false),
        ] {
            let seen = gather(&engine(), vec![of(role, state.clone(), networks)]);
            assert_eq!(seen[0].is_cut, is_cut, "{role} {state:?} {networks:?}");
        }
    }

    #[test]
    fn containers_of_one_bottle_are_one_sighting_by_role() {
        let of = |role| {
            container(&[
                (labels::BOTTLE, "api-1"),
                (labels::ROLE, role),
                (labels::OWNER, "me"),
            ])
        };
        let seen = gather(&engine(), vec![of("supervise"), of("agent"), of("egress")]);
        assert_eq!(seen.len(), 1);
        let roles: Vec<Role> = seen[0]
            .containers
            .iter()
            .map(|container| container.role)
            .collect();
        assert_eq!(roles, Role::ALL);
        assert_eq!(seen[0].owner, "me");
        assert_eq!(seen[0].bottle.engine, engine());
    }

    #[test]
    fn hostile_labels_make_no_bottle() {
        let seen = gather(
            &engine(),
            vec![
                container(&[(labels::BOTTLE, "../etc"), (labels::ROLE, "agent")]),
                container(&[(labels::BOTTLE, "api-1"), (labels::ROLE, "king")]),
                container(&[(labels::ROLE, "agent")]),
            ],
        );
        assert!(seen.is_empty());
    }
}
