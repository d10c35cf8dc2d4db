//! A plan in a file: what was approved, so that exactly that is done or nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{ActionKind, Plan, Selection, Step};
use crate::address::Address;
use crate::digest::hex;
use crate::kind::tag;
use crate::reference::map_texts;
use crate::secret::{random, template};
use crate::state::{Place, State};

/// The number of this layout.
const SCHEMA: u32 = 3;

/// Tells whether a file is a saved plan, whatever version wrote it.
pub fn is_saved_plan(bytes: &[u8]) -> bool {
    let after_brace = bytes.trim_ascii_start().strip_prefix(b"{");
    after_brace.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"stackwright_plan\""))
}

/// A plan as it is saved. It holds no value of the environment: a digest shows whether one has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    #[serde(rename = "stackwright_plan")]
    schema: u32,
    pub place: Place,
    /// Empty: there was no state yet.
    lineage: String,
    serial: u64,
    pub adopt: bool,
    pub selection: Selection,
    /// What was approved, in order.
    steps: Vec<Approved>,
    /// Random; salts the digests.
    nonce: String,
    digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Approved {
    action: ActionKind,
    address: Address,
    digest: String,
}

/// Why what was approved is not what would be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// Another version has written the plan.
    Version,
    /// The plan is for another place than this run.
    Place { field: PlaceField, saved: String, now: String },
    /// The state has changed since the plan was made.
    State,
    /// The step of this address is another one now. `None`: only the environment differs.
    Steps(Option<Address>),
}

/// A part of a [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceField {
    Stack,
    Cloud,
    Region,
    Account,
}

impl Saved {
    /// # Errors
    /// The system has no random numbers.
    pub fn of(
        plan: &Plan,
        state: &State,
        env: &BTreeMap<String, String>,
        selection: Selection,
        adopt: bool,
    ) -> Result<Self, getrandom::Error> {
        let nonce = random()?;
        Ok(Self {
            schema: SCHEMA,
            place: state.place.clone(),
            lineage: state.lineage.clone(),
            serial: state.serial,
            adopt,
            selection,
            steps: summary(plan, &nonce),
            digest: digest(plan, env, &nonce),
            nonce,
        })
    }

    /// Checks that `plan`, made now for `state`, is the one that was approved.
    pub fn check(
        &self,
        plan: &Plan,
        state: &State,
        env: &BTreeMap<String, String>,
    ) -> Result<(), Outdated> {
        self.is_from(state)?;
        if self.digest == digest(plan, env, &self.nonce) {
            return Ok(());
        }
        Err(Outdated::Steps(self.differing(plan)))
    }

    /// Checks that the plan was made from this very state.
    pub fn is_from(&self, state: &State) -> Result<(), Outdated> {
        self.is_of(&state.place)?;
        let is_same = if self.lineage.is_empty() {
            state.resources.is_empty()
        } else {
            (&self.lineage, self.serial) == (&state.lineage, state.serial)
        };
        if is_same { Ok(()) } else { Err(Outdated::State) }
    }

    /// Checks that the plan is for that place.
    pub fn is_of(&self, place: &Place) -> Result<(), Outdated> {
        if self.schema != SCHEMA {
            return Err(Outdated::Version);
        }
        for (field, saved, now) in [
            (PlaceField::Stack, &self.place.stack, &place.stack),
            (PlaceField::Cloud, &self.place.cloud, &place.cloud),
            (PlaceField::Region, &self.place.region, &place.region),
            (PlaceField::Account, &self.place.account, &place.account),
        ] {
            if saved != now {
                let (saved, now) = (saved.clone(), now.clone());
                return Err(Outdated::Place { field, saved, now });
            }
        }
        Ok(())
    }

    /// Returns the first address whose step is not the one that was approved; `None` if only the
    /// environment differs.
    fn differing(&self, plan: &Plan) -> Option<Address> {
        let now = summary(plan, &self.nonce);
        let fresh = now.iter().find(|step| !self.steps.contains(step));
        let first = fresh.or_else(|| self.steps.iter().find(|step| !now.contains(step)));
        first.map(|step| step.address.clone())
    }
}

fn real(plan: &Plan) -> impl Iterator<Item = &Step> {
    plan.steps.iter().filter(|step| step.kind() != ActionKind::Record)
}

fn summary(plan: &Plan, nonce: &str) -> Vec<Approved> {
    let approved = |step: &Step| Approved {
        action: step.kind(),
        address: step.address.clone(),
        digest: digest_of(&json!([nonce, projected(step)])),
    };
    real(plan).map(approved).collect()
}

fn digest(plan: &Plan, env: &BTreeMap<String, String>, nonce: &str) -> String {
    let steps: Vec<Value> = real(plan).map(projected).collect();
    digest_of(&json!([nonce, env, steps]))
}

fn digest_of(value: &Value) -> String {
    hex(&Sha256::digest(value.to_string()))
}

/// Returns what a step comes to, without what the first run makes at random: lineage and salt.
fn projected(step: &Step) -> Value {
    let mut changes = step.action.changes().to_vec();
    changes.retain(|change| !change.path.0.get(1).is_some_and(|key| tag::is_own(key)));
    let mut desired = step.action.desired().cloned().unwrap_or_default();
    if let Some(tags) = desired.get_mut("tags").and_then(Value::as_object_mut) {
        tags.retain(|key, _| !tag::is_own(key));
    }
    let step = json!([
        step.address,
        step.kind(),
        step.generation,
        step.action.deletes_first(),
        step.action.id(),
        changes,
        desired,
    ]);
    map_texts(&step, &mut |text| template(text).unwrap_or_else(|| text.to_owned()))
}
