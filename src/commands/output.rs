//! `output`: the values the file names, from the state alone.

use std::collections::BTreeMap;

use serde_json::json;
use stackwright_engine::manifest::{Cloud, Manifest, nearest};
use stackwright_engine::prepare::known_outputs;
use stackwright_engine::reference::{self, Scope};
use stackwright_engine::state::State;

use super::shared;
use crate::cli::{Format, Stack};
use crate::environment;
use crate::error::{Error, Result};
use crate::print;
use crate::render::{clean, json::SCHEMA, wrap};
use crate::workspace::{self, Workspace};

pub async fn run(stack: &Stack, name: Option<String>, format: Format, json: bool) -> Result<u8> {
    // The outputs stand in the file alone; what they are made of is in the state.
    let workspace = workspace::open_state(stack, None, "show").await?;
    let Some(state) = workspace.peek()? else {
        let hint = "run `stackwright reconcile` first";
        return Err(Error::Unknown(
            "there is no state yet, so no output is known".into(),
            Some(hint.into()),
        ));
    };
    let scope = workspace.manifest.scope(&state.place.account);
    let values = values(&workspace.manifest, &scope, &state);
    let format = if json { Format::Json } else { format };
    if let Some(name) = name {
        let value = one(&values, &name)?;
        match format {
            Format::Text => print::stdout!("{}", clean(value)),
            Format::Json => {
                let document = json!({ "schema": SCHEMA, "outputs": { name: value } });
                print::stdout!("{document:#}");
            }
            Format::Env => print::stdout!("{}", export(&name, value)),
        }
        return Ok(0);
    }
    let unknown = values.iter().find(|(_, value)| value.is_none());
    let unknown = unknown.and_then(|(name, _)| one(&values, name).err());
    match format {
        Format::Json => {
            let document = json!({ "schema": SCHEMA, "outputs": values });
            return Ok(shared::print_document(document, unknown, 0));
        }
        Format::Text => {
            for (name, value) in &values {
                let value = value.as_deref().unwrap_or("(known after apply)");
                print::stdout!("{name} = {}", clean(value));
            }
            if workspace.manifest.cloud == Cloud::Local {
                codespace(&workspace, &values);
            }
        }
        Format::Env => {
            for (name, value) in &values {
                if let Some(value) = value {
                    print::stdout!("{}", export(name, value));
                }
            }
        }
    }
    unknown.map_or(Ok(0), Err)
}

/// The line that sets an output in a shell.
fn export(name: &str, value: &str) -> String {
    format!("export {}='{}'", variable(name), value.replace('\'', r"'\''"))
}

/// The name of a shell's variable for an output.
fn variable(name: &str) -> String {
    let plain = name.to_ascii_uppercase();
    let plain = plain.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain }
}

/// Every output; `None` while something it refers to does not exist.
pub fn values(
    manifest: &Manifest,
    scope: &Scope,
    state: &State,
) -> BTreeMap<String, Option<String>> {
    let scope = Scope { outputs: known_outputs(state), ..scope.clone() };
    let value = |text: &String| {
        let filled = scope.fill(text);
        if reference::markers(&filled).next().is_none() { Some(filled) } else { None }
    };
    manifest.outputs.iter().map(|(name, text)| (name.clone(), value(text))).collect()
}

fn one<'a>(values: &'a BTreeMap<String, Option<String>>, name: &str) -> Result<&'a str> {
    match values.get(name) {
        Some(Some(value)) => Ok(value),
        Some(None) => Err(Error::Unknown(
            format!("the output `{name}` is not known yet"),
            Some(
                "run `stackwright reconcile` first, with the variables that it refers to set"
                    .into(),
            ),
        )),
        None => {
            let known = values.keys().map(String::as_str);
            let hint = match nearest(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
            };
            Err(Error::Unknown(format!("the file has no output `{name}`"), Some(hint)))
        }
    }
}

/// In a codespace: the public form of local URLs, and how to open the door.
pub fn codespace(workspace: &Workspace, values: &BTreeMap<String, Option<String>>) {
    let exposed = 4567;
    let Some(public) = environment::codespace(exposed) else { return };
    let local = format!("http://127.0.0.1:{}", workspace.local_port());
    for (name, value) in values {
        if let Some(path) = value.as_ref().and_then(|value| value.strip_prefix(&local)) {
            print::stdout!("{name} (public) = {public}{path}");
        }
    }
    let codespace = std::env::var("CODESPACE_NAME").unwrap_or_default();
    wrap::eprintln!(
        "to make it public: stackwright local expose, and in another terminal: \
         gh codespace ports visibility {exposed}:public -c {codespace}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested() {
        let values = BTreeMap::from([("url".to_owned(), Some("http://x".to_owned()))]);
        assert_eq!(one(&values, "url").ok(), Some("http://x"));
        let error = one(&values, "ulr").expect_err("not there");
        let said = crate::render::error::report(&error, false, None);
        assert!(said.contains("did you mean `url`"), "{said}");
    }
}
