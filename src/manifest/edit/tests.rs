use super::*;
use crate::policy::{HostName, Method, Methods, PathPattern, Provenance};

fn route(host: &str) -> Route {
    let host = HostName::parse(host).unwrap();
    Route::to(host, vec![443], Provenance::Request { id: 4 })
}

fn narrow() -> Route {
    let get = Method::parse("GET").unwrap();
    Route {
        methods: Methods::from(std::collections::BTreeSet::from([get])),
        paths: vec![PathPattern::parse("/simple/*").unwrap()],
        ..route("pypi.org")
    }
}

#[track_caller]
fn changed(text: &str, route: &Route) -> String {
    match add_route(text, "t", route) {
        Ok(Edited::Changed(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// What stands around the routes of a template, `@` in their place.
#[track_caller]
fn becomes(file: &str, before: &str, after: &str) {
    let with = |routes: &str| file.replace('@', routes);
    assert_eq!(changed(&with(before), &route("new.test")), with(after));
}

const OVER_LINES: &str = r#"// mine
{
  "bottles": {
    // first
    "t": {
      "image": { "from": "x" },
      @
    },
  },
}
"#;

#[test]
fn an_entry_stands_like_its_neighbours() {
    becomes(
        OVER_LINES,
        r#""routes": [
        { "preset": "pypi-read" }, // for the wheels
        { "host": "a.test" } /* last */ // really

        // { "host": "not.yet" },

      ],"#,
        r#""routes": [
        { "preset": "pypi-read" }, // for the wheels
        { "host": "a.test" }, /* last */ // really
        { "host": "new.test" }

        // { "host": "not.yet" },

      ],"#,
    );
    becomes(
        OVER_LINES,
        r#""routes": [
        { "host": "a.test" }, // one, two
      ]"#,
        r#""routes": [
        { "host": "a.test" }, // one, two
        { "host": "new.test" },
      ]"#,
    );
    becomes(
        OVER_LINES,
        r#""routes": [{ "host": "a.test" }],"#,
        r#""routes": [{ "host": "a.test" }, { "host": "new.test" }],"#,
    );
    becomes(
        OVER_LINES,
        r#""routes": [ {"host": "a.test"}, ],"#,
        r#""routes": [ {"host": "a.test"}, {"host": "new.test"}, ],"#,
    );
    becomes(
        OVER_LINES,
        r#""routes": [{ "host": "a.test" } // a ]
      ],"#,
        r#""routes": [{ "host": "a.test" }, { "host": "new.test" } // a ]
      ],"#,
    );
}

#[test]
fn an_entry_is_spread_where_its_neighbour_is() {
    becomes(
        OVER_LINES,
        r#""routes": [
        {
          "host": "a.test", // a
        },
      ],"#,
        r#""routes": [
        {
          "host": "a.test", // a
        },
        {
          "host": "new.test",
        },
      ],"#,
    );
    becomes(
        OVER_LINES,
        r#""routes": [{
        "host": "a.test"
      }],"#,
        r#""routes": [{
        "host": "a.test"
      }, {
        "host": "new.test"
      }],"#,
    );
}

#[test]
fn a_list_is_made_or_filled_where_there_is_nothing() {
    let one = r#""routes": [
        { "host": "new.test" },
      ],"#;
    becomes(OVER_LINES, r#""routes": [],"#, one);
    becomes(
        OVER_LINES,
        r#""uid": 1001, // me"#,
        &format!("\"uid\": 1001, // me\n      {one}"),
    );
    becomes(
        OVER_LINES,
        r#""uid": 1001"#,
        r#""uid": 1001,
      "routes": [
        { "host": "new.test" }
      ]"#,
    );
    becomes(
        OVER_LINES,
        r#""routes": [
        // nothing yet
      ]"#,
        r#""routes": [
        // nothing yet
        { "host": "new.test" }
      ]"#,
    );
    becomes(
        OVER_LINES,
        r#""routes": [ /* nothing */ ]"#,
        r#""routes": [ /* nothing */ { "host": "new.test" } ]"#,
    );
}

#[test]
fn a_file_keeps_its_own_hand() {
    let tight = r#"{"bottles":{"t":{"image":{"from":"x"},@}}}"#;
    becomes(
        tight,
        r#""routes":[{"host":"a.test"}]"#,
        r#""routes":[{"host":"a.test"},{"host":"new.test"}]"#,
    );
    becomes(tight, r#""routes":[]"#, r#""routes":[{"host":"new.test"}]"#);
    let none = r#"{"bottles":{"t":{"image":{"from":"x"}}}}"#;
    assert_eq!(
        changed(none, &route("new.test")),
        r#"{"bottles":{"t":{"image":{"from":"x"},"routes":[{"host":"new.test"}]}}}"#
    );
    let tabs = "\u{feff}{\r\n\t\"bottles\": {\r\n\t\t\"t\": {\r\n\t\t\t\"image\": {\"from\": \"x\"}\r\n\t\t}\r\n\t}\r\n}";
    assert_eq!(
        changed(tabs, &narrow()),
        tabs.replace(
            "\"x\"}",
            "\"x\"},\r\n\t\t\t\"routes\": [\r\n\t\t\t\t{\"host\": \"pypi.org\", \"methods\": [\"GET\"], \"paths\": [\"/simple/*\"]}\r\n\t\t\t]"
        )
    );
}

#[test]
fn what_is_there_is_not_written_again() {
    let there = OVER_LINES.replace('@', r#""routes": [{"host": "new.test", "ports": [443]}]"#);
    let same = add_route(&there, "t", &route("new.test"));
    assert_eq!(same, Ok(Edited::AlreadyThere));
    let once = changed(&there, &narrow());
    assert_eq!(add_route(&once, "t", &narrow()), Ok(Edited::AlreadyThere));
}

#[test]
fn what_cannot_be_written_says_why() {
    let with = |routes: &str| OVER_LINES.replace('@', routes);
    let said = |text: &str, template: &str, route: &Route| {
        add_route(text, template, route).unwrap_err().to_string()
    };
    let plain = with("");
    let told = said(&plain, "gone", &route("a.test"));
    assert!(told.starts_with("find the bottle `gone` in it"), "{told}");
    let told = said("{", "t", &route("a.test"));
    assert!(
        told.starts_with("read the bottle `t` in it: cellar.json:1:"),
        "{told}"
    );
    let told = said(&with(r#""rutes": [],"#), "t", &route("a.test"));
    assert!(told.contains("`rutes` is no key of a bottle"), "{told}");
    let spliced = with(r#""routes": [{ "host": "a.test", "tls": "splice" }],"#);
    let told = said(&spliced, "t", &route("a.test"));
    assert!(told.contains("`a.test` is routed twice"), "{told}");
    let mut private = route("a.test");
    private.allow_private = true;
    assert_eq!(add_route(&plain, "t", &private), Err(EditError::Unfaithful));
}
