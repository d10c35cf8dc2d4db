//! Kinds whose objects live in a [`World`]: the same fields, four ways of creating.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    Context, CreateIdempotency, Created, DeletionProtection, Error, Fault, Field, Found, Handle,
    Intent, Live, Memo, Milestone, Ownership, PriorState, Provider, Readiness, ResourceType,
    Result, Sought, field, tag,
};
use tokio::time::Instant;

use super::{Inner, Late, Thing, World};

/// What a kind is called, and how its unknown creates are settled.
pub trait Way: Send + Sync + 'static {
    const NAME: &'static str;
    const CREATE: CreateIdempotency;
}

macro_rules! way {
    ($(#[$doc:meta])* $way:ident, $name:literal, $create:expr) => {
        $(#[$doc])*
        pub struct $way;
        impl Way for $way {
            const NAME: &'static str = $name;
            const CREATE: CreateIdempotency = $create;
        }
    };
}

way!(/** A request that is repeated with its token makes one object. */ Tokened, "token", CreateIdempotency::Token);
way!(/** A name is given once, in whatever case. */ Named, "named", CreateIdempotency::UniqueName);
way!(
    /** A name is given once, and the create takes no tags. */
    Untagged,
    "untagged",
    CreateIdempotency::UniqueNameUntagged
);
way!(
    /** Neither: every request makes another. */
    Plain,
    "plain",
    CreateIdempotency::LookUp { consistency_window: Duration::from_secs(30) }
);

/// A kind of this world.
pub struct Sort<W>(PhantomData<W>);

/// Its provider.
pub struct Sorts<W> {
    world: World,
    way: PhantomData<W>,
}

impl<W: Way> Sorts<W> {
    pub fn of(world: &World) -> Self {
        Self { world: world.clone(), way: PhantomData }
    }
}

/// A thing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Changed in place.
    #[schemars(extend("default" = 1))]
    pub size: Option<u32>,
    /// Another shape is another thing.
    pub shape: Option<String>,
    /// Needs a restart.
    #[schemars(extend("default" = "v0"))]
    pub motor: Option<String>,
    /// Keys of others are left alone.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Keys of others are drift.
    #[serde(default)]
    pub rules: BTreeMap<String, String>,
    /// Cannot be read back.
    pub word: Option<String>,
    /// Another shape is refused.
    #[serde(default)]
    pub firm: bool,
    /// Another motor is another thing.
    #[serde(default)]
    pub rigid: bool,
    /// Looked up once; another one is another thing.
    pub part: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motor: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub rules: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// The shape, where another one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firm: Option<String>,
    /// The motor, where another one is another thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rigid: Option<String>,
    /// What the part of that name was when it was looked up, and the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_from: Option<String>,
}

/// Tells whether two names are one: names that are given once are so in whatever case, as in IAM, but for those of
/// things without tags, as in Lambda.
fn is_same_name<W: Way>(one: &str, other: &str) -> bool {
    one == other || Sort::<W>::IS_NAME_CASE_IGNORED && one.eq_ignore_ascii_case(other)
}

const fn has_unique_names<W: Way>() -> bool {
    matches!(W::CREATE, CreateIdempotency::UniqueName | CreateIdempotency::UniqueNameUntagged)
}

impl<W: Way> ResourceType for Sort<W> {
    const NAME: &'static str = W::NAME;
    const OUTPUTS: &'static [&'static str] = &["id"];
    const FIELDS: &'static [Field] = &[
        field("name").replaces(),
        field("shape").replaces(),
        field("motor").restarts(),
        field("rules").exclusive(),
        field("word").write_only(),
        field("firm").refuses().ignored_when_unset().computed_from("shape").internal().directive(),
        field("rigid")
            .replaces()
            .ignored_when_unset()
            .computed_from("motor")
            .internal()
            .directive(),
        field("part").replaces().ignored_when_unset(),
        field("part_from").not_compared().computed_from("part"),
    ];
    const CREATE: CreateIdempotency = W::CREATE;
    const ID_IS_NAME: bool = has_unique_names::<W>();
    const IS_NAME_CASE_IGNORED: bool = matches!(W::CREATE, CreateIdempotency::UniqueName);
    const USABLE_ONCE: Milestone = match W::CREATE {
        CreateIdempotency::Token => Milestone::Created,
        CreateIdempotency::UniqueName => Milestone::Sent,
        _ => Milestone::Complete,
    };
    const IS_GONE_ONCE_ACCEPTED: bool = matches!(W::CREATE, CreateIdempotency::UniqueName);
    type Config = Config;
    type Spec = Spec;
}

impl<W: Way> Provider for Sorts<W> {
    type Type = Sort<W>;

    async fn normalize(&self, config: Config, at: &Context) -> Result<Spec> {
        let Config { size, shape, motor, labels, rules, word, .. } = config;
        let (name, tags) = (at.name.clone(), at.tags.clone());
        let firm = shape.clone().filter(|_| config.firm);
        let rigid = motor.clone().filter(|_| config.rigid);
        let part_from = config.part;
        let part = match (&part_from, &at.prior) {
            (None, _) | (_, PriorState::Offline) => None,
            (_, PriorState::Found(spec)) => spec["part"].as_str().map(str::to_owned),
            (Some(from), PriorState::Applied(spec)) if spec["part_from"] == from.as_str() => {
                spec["part"].as_str().map(str::to_owned)
            }
            (Some(from), _) => Some(format!("{from}-{}", self.world.newest())),
        };
        Ok(Spec {
            name,
            tags,
            size,
            shape,
            motor,
            labels,
            rules,
            word,
            firm,
            rigid,
            part,
            part_from,
        })
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let seen = self.world.call("observe", W::NAME, |inner| {
            Ok(handles.iter().map(|handle| look(inner, W::NAME, &handle.id)).collect::<Vec<_>>())
        });
        match seen.await {
            Ok(seen) => seen.into_iter().map(Ok).collect(),
            Err(error) => handles.iter().map(|_| Err(error.again())).collect(),
        }
    }

    async fn find(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        let unique = has_unique_names::<W>();
        let is_there = |thing: &Thing| match sought.address {
            Some(address) => thing.address() == Some(address.as_str()),
            None => true,
        };
        let find = |inner: &mut Inner| {
            let mut found = Vec::new();
            for thing in inner.things.iter().filter(|t| is_found(t) && t.kind == W::NAME) {
                let ours = is_there(thing) && thing.tag(tag::STACK) == Some(&sought.owner.stack);
                let is_named = |name: &String| is_same_name::<W>(name, thing.name());
                let wanted = unique && sought.names.iter().any(is_named);
                if (ours || wanted) && is_seen(thing) {
                    found.push(thing.found());
                }
            }
            Ok(found)
        };
        self.world.call("find", W::NAME, find).await
    }

    async fn create(&self, intent: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        let make = |inner: &mut Inner| {
            let thing = made::<W>(inner, intent, spec)?;
            let live = live(&thing)?;
            Ok(Created { id: thing.id, live })
        };
        self.world.call("create", W::NAME, make).await
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        let change = |inner: &mut Inner| {
            let thing = alive(inner, W::NAME, &on.id)
                .ok_or_else(|| Error::terminal(format!("{} was changed after its end", on.id)))?;
            if thing.settled > Instant::now() {
                return Err(Error::new(Fault::Conflict, format!("{} is in transition", on.id)));
            }
            // What changes it relies on what was seen of the thing, as ids of its parts.
            if on.memo.get::<Value>(&on.id).is_some_and(|seen| *seen != thing.spec) {
                return Err(Error::new(Fault::Conflict, format!("{} has changed", on.id)));
            }
            let Some(fields) = thing.spec.as_object_mut() else { return Ok(()) };
            let rules = json!(desired.rules);
            // As endpoints that accept what they do not implement.
            let keeps = fields["labels"]["keeps"].as_str().map(str::to_owned);
            for (field, value) in json!(desired).as_object().into_iter().flatten() {
                if keeps.as_deref() == Some(field) {
                    continue;
                }
                match (fields.get_mut(field), value.as_object()) {
                    (Some(kept), Some(new)) if kept.is_object() => {
                        let kept = kept.as_object_mut().expect("just seen");
                        kept.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
                    }
                    _ => {
                        fields.insert(field.clone(), value.clone());
                    }
                }
            }
            // What a change takes away goes; keys of others stay in a map that is not ours alone.
            fields.insert("rules".to_owned(), rules);
            for change in changes.iter().filter(|change| change.after.is_none()) {
                let [map, key] = change.path.0.as_slice() else { continue };
                fields.get_mut(map).and_then(|map| map.as_object_mut()?.remove(key));
            }
            if let Some(applied) = &on.applied {
                for (map, before, now) in [
                    ("labels", &applied.labels, &desired.labels),
                    ("tags", &applied.tags, &desired.tags),
                ] {
                    for gone in before.keys().filter(|key| !now.contains_key(*key)) {
                        fields.get_mut(map).and_then(|map| map.as_object_mut()?.remove(gone));
                    }
                }
            }
            Ok(())
        };
        self.world.call("update", W::NAME, change).await
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        let end = |inner: &mut Inner| {
            let found_until = Some(Instant::now() + inner.lingering);
            if let Some(thing) = alive(inner, W::NAME, &handle.id) {
                thing.alive = false;
                thing.found_until = found_until;
            }
            Ok(())
        };
        self.world.call("delete", W::NAME, end).await
    }
}

impl<W: Way> Ownership for Sorts<W> {
    async fn deletion_protection(
        &self,
        handle: &Handle<Spec>,
    ) -> Result<Option<DeletionProtection>> {
        let ask = |inner: &mut Inner| {
            let reason = alive(inner, W::NAME, &handle.id)
                .and_then(|thing| thing.spec["labels"]["locked"].as_str());
            let hint = "take the label off".to_owned();
            Ok(reason.map(|reason| DeletionProtection { reason: reason.to_owned(), hint }))
        };
        self.world.call("locked", W::NAME, ask).await
    }
}

fn made<W: Way>(inner: &mut Inner, intent: &Intent, spec: &Spec) -> Result<Thing> {
    let mut spec = json!(spec);
    let mut known = inner.things.iter().filter(|thing| thing.kind == W::NAME);
    match W::CREATE {
        CreateIdempotency::Token => match known.find(|thing| thing.token == intent.token) {
            Some(thing) if !thing.alive => {
                return Err(Error::terminal("what this token made has ended"));
            }
            Some(thing) if thing.name() == spec["name"] => return Ok(thing.clone()),
            Some(_) => return Err(Error::terminal("this token was used for another request")),
            None => {}
        },
        _ if has_unique_names::<W>()
            && known.any(|thing| {
                let name = spec["name"].as_str().unwrap_or_default();
                is_found(thing) && is_same_name::<W>(thing.name(), name)
            }) =>
        {
            return Err(Error::new(Fault::NameTaken, "there is one of that name"));
        }
        _ => {}
    }
    if W::CREATE == CreateIdempotency::UniqueNameUntagged {
        spec["tags"] = json!({});
    }
    let Late { hidden, settling } = inner.late;
    let id = if has_unique_names::<W>() {
        spec["name"].as_str().unwrap_or_default().to_owned()
    } else {
        format!("{}-{}", W::NAME, inner.things.len())
    };
    let token = intent.token.clone();
    let visible = Instant::now() + hidden;
    let settled = visible + settling;
    let created = inner.clock.now().to_string();
    let (kind, alive, found_until) = (W::NAME, true, None);
    let thing = Thing { kind, id, token, spec, visible, settled, created, alive, found_until };
    inner.things.push(thing.clone());
    Ok(thing)
}

fn alive<'a>(inner: &'a mut Inner, kind: &str, id: &str) -> Option<&'a mut Thing> {
    inner.things.iter_mut().find(|thing| thing.alive && thing.kind == kind && thing.id == id)
}

fn is_found(thing: &Thing) -> bool {
    thing.alive || thing.found_until.is_some_and(|until| until > Instant::now())
}

fn is_seen(thing: &Thing) -> bool {
    thing.visible <= Instant::now()
}

fn look(inner: &mut Inner, kind: &str, id: &str) -> Option<Live<Spec>> {
    let mut all = inner.things.iter().filter(|thing| thing.kind == kind && thing.id == id);
    let thing = all.find(|thing| is_found(thing))?;
    if is_seen(thing) { live(thing).ok() } else { None }
}

fn live(thing: &Thing) -> Result<Live<Spec>> {
    let mut spec: Spec = serde_json::from_value(thing.spec.clone())
        .map_err(|error| Error::terminal(error.to_string()))?;
    spec.word = None;
    spec.firm.clone_from(&spec.shape);
    spec.size.get_or_insert(1);
    spec.motor.get_or_insert_with(|| "v0".to_owned());
    spec.rigid.clone_from(&spec.motor);
    Ok(Live {
        spec,
        outputs: thing.outputs(),
        fingerprints: BTreeMap::new(),
        // A name that is given again is not the same thing.
        identity: thing.tag(tag::GENERATION).map(str::to_owned),
        readiness: if thing.settled <= Instant::now() {
            Readiness::Ready
        } else {
            Readiness::Pending("the thing to be ready".to_owned())
        },
        notes: Vec::new(),
        facts: BTreeMap::new(),
        memo: Memo::of(&thing.id, thing.spec.clone()),
    })
}
