//! From configs to specs: known references are filled in, then each kind normalizes its configs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::address::Address;
use crate::kind::{Context, PriorState, Result, tag};
use crate::lifecycle::Lifecycle;
use crate::manifest::{Manifest, Resource};
use crate::providers::AnyProvider;
use crate::reference::{self, Outputs, Reference, Scope};
use crate::registry::Kind;
use crate::secret::Sealer;
use crate::state::{Phase, State};

/// What the file wants at one address.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub lifecycle: Lifecycle,
    /// The spec with the outputs that the state knows, secrets sealed.
    pub desired: Value,
    /// The spec with no output known: shows which field refers to which output.
    pub symbolic: Value,
}

/// One resource in one run.
pub struct Preparing<'a> {
    pub manifest: &'a Manifest,
    pub lineage: &'a str,
    pub provider: &'a dyn AnyProvider,
    pub resource: &'a Resource,
    pub generation: u64,
    pub prior: PriorState,
}

impl Preparing<'_> {
    /// Returns the normal form with the values that `scope` knows (other references stay markers), and
    /// the secret strings in it.
    pub async fn spec(&self, scope: &Scope) -> Result<(Value, Secrets)> {
        let config = reference::resolve(&self.resource.config, scope).value;
        let spec = self.provider.normalize(&config, &self.context(scope)).await?;
        Ok((spec, Secrets::of(self.resource, scope)))
    }

    fn context(&self, scope: &Scope) -> Context {
        let own = [
            (tag::STACK, stack_tag(scope)),
            (tag::LINEAGE, self.lineage.to_owned()),
            (tag::ADDRESS, self.resource.address.to_string()),
            (tag::GENERATION, self.generation.to_string()),
        ];
        let tags = self.resource.tags.iter().map(|(tag, text)| (tag.clone(), scope.fill(text)));
        let own = own.into_iter().map(|(tag, text)| (tag.to_owned(), text));
        Context {
            address: self.resource.address.clone(),
            name: scope.fill(&self.resource.name),
            tags: tags.chain(own).collect(),
            folder: self.manifest.folder(),
            region: scope.region.clone(),
            account: scope.account.clone(),
            partition: scope.partition.clone(),
            prior: self.prior.clone(),
        }
    }
}

/// Returns the value of the tag [`tag::STACK`].
pub fn stack_tag(scope: &Scope) -> String {
    format!("{}/{}", scope.region, scope.stack)
}

/// The strings of a resource that contain secrets, by the field of its config: each with the same
/// string in which the secrets are markers.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<String, BTreeMap<String, String>>);

impl Secrets {
    pub fn of(resource: &Resource, scope: &Scope) -> Self {
        let is_secret = |reference: &Reference| matches!(reference, Reference::Env(_));
        if !resource.references().iter().any(is_secret) {
            return Self::default();
        }
        let secrets = |value: &Value| reference::resolve(value, scope).secrets;
        let config = resource.config.as_object().into_iter().flatten();
        let mut all: BTreeMap<String, BTreeMap<String, String>> =
            config.map(|(field, value)| (field.clone(), secrets(value))).collect();
        let tags = resource.tags.values().map(|text| secrets(&Value::from(text.as_str())));
        all.insert("tags".to_owned(), tags.flatten().collect());
        Self(all)
    }

    /// Returns the spec as it may be recorded. A string is sealed in the field that contains the
    /// secret, not everywhere: the values that calls need stay readable. (A field of the config that
    /// the spec does not have may have become part of any other.)
    pub fn seal(&self, spec: &Value, kind: &Kind, sealer: &Sealer) -> Value {
        if self.0.is_empty() {
            return spec.clone();
        }
        let Some(fields) = spec.as_object() else { return spec.clone() };
        let elsewhere = self.0.iter().filter(|(field, _)| !fields.contains_key(*field));
        let elsewhere: BTreeMap<String, String> =
            elsewhere.flat_map(|(_, secrets)| secrets.clone()).collect();
        let seal = |(field, value): (&String, &Value)| {
            let is_clear_text = kind.fields.is_clear_text(field);
            let mut secrets = elsewhere.clone();
            secrets.extend(
                self.0.get(field).into_iter().flatten().map(|(a, b)| (a.clone(), b.clone())),
            );
            let value = if is_clear_text { value.clone() } else { sealer.seal(value, &secrets) };
            (field.clone(), value)
        };
        fields.iter().map(seal).collect()
    }

    /// Returns the secret strings of all fields.
    pub fn texts(&self) -> BTreeMap<String, String> {
        self.0.values().flatten().map(|(text, template)| (text.clone(), template.clone())).collect()
    }
}

/// Returns the outputs of those objects of `addresses` that the state knows.
pub(crate) fn outputs_of(state: &State, addresses: &BTreeSet<Address>) -> Outputs {
    let object =
        |address: &Address| state.object(address).filter(|object| object.phase != Phase::Deleting);
    let known = addresses.iter().filter_map(|address| Some((address, object(address)?)));
    known.map(|(address, object)| (address.clone(), object.outputs.clone())).collect()
}

/// Returns the outputs of every object that the state knows.
pub fn known_outputs(state: &State) -> Outputs {
    state
        .resources
        .iter()
        .filter_map(|(address, record)| Some((address.clone(), record.object.as_ref()?)))
        .filter(|(_, object)| object.phase != Phase::Deleting)
        .map(|(address, object)| (address, object.outputs.clone()))
        .collect()
}

/// Returns `desired` with the outputs of `recreated` resources unknown again, of which `state` has the present ones.
pub fn mark_outputs_unknown(
    desired: &Value,
    symbolic: &Value,
    recreated: &BTreeSet<Address>,
    state: &State,
) -> Value {
    if recreated.is_empty() {
        return desired.clone();
    }
    let is_unknown = |reference: &Reference| matches!(reference, Reference::Output(address, _) if recreated.contains(address));
    match (desired, symbolic) {
        (Value::Object(desired), Value::Object(symbolic)) => {
            let mark = |(key, value): (&String, &Value)| {
                let value = symbolic
                    .get(key)
                    .map_or(value.clone(), |s| mark_outputs_unknown(value, s, recreated, state));
                (key.clone(), value)
            };
            let mut marked: Map<String, Value> = desired.iter().map(mark).collect();
            // A key may be an output itself: the ARN of a policy.
            let unknown = |key: &&String| reference::markers(key).any(|one| is_unknown(&one));
            for key in symbolic.keys().filter(unknown) {
                marked.remove(&filled(key, state));
                marked.insert(key.clone(), symbolic[key].clone());
            }
            Value::Object(marked)
        }
        (_, symbolic) if reference::references(symbolic).iter().any(is_unknown) => symbolic.clone(),
        _ => desired.clone(),
    }
}

/// Returns a text with the present outputs of the objects to which it refers.
pub fn filled(text: &str, state: &State) -> String {
    let outputs = outputs_of(state, &reference::addresses(text));
    Scope { outputs, ..Scope::default() }.fill(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::state::{Object, Record};

    /// Two policies by their ARNs, of which one gets another object.
    #[test]
    fn a_key_that_is_an_output_is_unknown_again_and_others_stay() {
        let arn = |name: &str| Reference::Output(Address::new("policy", name), "arn".to_owned());
        let (read, write) = (reference::marker(&arn("read")), reference::marker(&arn("write")));
        let symbolic =
            json!({ "policies": { read.clone(): true, write.clone(): true, "arn:c": true } });
        let desired = json!({ "policies": { "arn:read": true, "arn:write": true, "arn:c": true } });
        let mut state = State::default();
        for name in ["read", "write"] {
            let object = json!({
                "id": name, "generation": 1, "created": "", "spec": null,
                "outputs": { "arn": format!("arn:{name}") }, "fingerprints": {}, "unapplied": {},
                "identity": null, "dependencies": {}, "phase": "partial",
                "guard": crate::lifecycle::Guard::default(),
            });
            let object: Object = serde_json::from_value(object).expect("an object");
            let record = Record { object: Some(object), ..Record::default() };
            state.resources.insert(Address::new("policy", name), record);
        }
        let recreated = [Address::new("policy", "read")].into();
        let marked = mark_outputs_unknown(&desired, &symbolic, &recreated, &state);
        assert_eq!(marked, json!({ "policies": { read: true, "arn:write": true, "arn:c": true } }));
        let same = mark_outputs_unknown(&desired, &symbolic, &BTreeSet::new(), &state);
        assert_eq!(same, desired);
    }
}
