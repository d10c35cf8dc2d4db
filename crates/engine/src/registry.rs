//! The kinds a run knows, as data: what each of them is, without its Rust types and without a cloud.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema as _, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::change::Path;
use crate::kind::{
    CheckContext, Context, Contribution, CreateIdempotency, Error, FieldTable, Milestone, Problem,
    ResourceType, Result,
};
use crate::state::Object;

/// A [`ResourceType`], compiled.
pub struct Kind {
    pub name: &'static str,
    pub outputs: &'static [&'static str],
    pub fields: FieldTable,
    pub create: CreateIdempotency,
    pub id_is_name: bool,
    pub is_name_case_ignored: bool,
    pub usable_once: Milestone,
    pub is_gone_once_accepted: bool,
    pub is_deleted_while_used: bool,
    pub deletion_impact: &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
    check: fn(&Value, &CheckContext<'_>) -> Result<Vec<Problem>>,
    contributions: fn(&Value, &Context) -> Result<Vec<Contribution>>,
    excludes: fn(&Value, &Value) -> bool,
    semantically_equal: fn(&Path, &Value, &Value) -> bool,
    unmanaged: fn(Option<&Value>, &Value) -> Vec<String>,
    lost_parts: fn(&Value) -> Vec<String>,
}

impl Kind {
    pub fn of<T: ResourceType>() -> Self {
        let mut generator = SchemaSettings::draft07().into_generator();
        let schema = T::Config::json_schema(&mut generator).to_value();
        Self {
            name: T::NAME,
            outputs: T::OUTPUTS,
            fields: FieldTable::compile(T::FIELDS, &schema),
            create: T::CREATE,
            id_is_name: T::ID_IS_NAME,
            is_name_case_ignored: T::IS_NAME_CASE_IGNORED,
            usable_once: T::USABLE_ONCE,
            is_gone_once_accepted: T::IS_GONE_ONCE_ACCEPTED,
            is_deleted_while_used: T::IS_DELETED_WHILE_USED,
            deletion_impact: T::DELETION_IMPACT,
            schema: T::Config::json_schema,
            check: |config, context| Ok(T::check(&typed(config)?, context)),
            contributions: |config, context| Ok(T::contributions(&typed(config)?, context)),
            excludes: |one, other| match (typed(one), typed(other)) {
                (Ok(one), Ok(other)) => T::excludes(&one, &other),
                _ => false,
            },
            semantically_equal: T::semantically_equal,
            unmanaged: |applied, live| {
                let applied = applied.and_then(|applied| typed(applied).ok());
                typed(live).map(|live| T::unmanaged(applied.as_ref(), &live)).unwrap_or_default()
            },
            lost_parts: |live| typed(live).map(|live| T::lost_parts(&live)).unwrap_or_default(),
        }
    }

    /// The schema of what a user writes, without the keys of every resource.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// See [`ResourceType::check`].
    ///
    /// # Errors
    /// The kind cannot read the config.
    pub fn check(&self, config: &Value, context: &CheckContext<'_>) -> Result<Vec<Problem>> {
        (self.check)(config, context)
    }

    /// See [`ResourceType::contributions`].
    ///
    /// # Errors
    /// The kind cannot read the config.
    pub fn contributions(&self, config: &Value, context: &Context) -> Result<Vec<Contribution>> {
        (self.contributions)(config, context)
    }

    /// See [`ResourceType::semantically_equal`].
    pub fn semantically_equal(&self, path: &Path, one: &Value, other: &Value) -> bool {
        (self.semantically_equal)(path, one, other)
    }

    /// See [`ResourceType::unmanaged`]. A spec that the kind cannot read has nothing to report.
    pub fn unmanaged(&self, applied: Option<&Value>, live: &Value) -> Vec<String> {
        (self.unmanaged)(applied, live)
    }

    /// See [`ResourceType::lost_parts`].
    pub fn lost_parts(&self, live: &Value) -> Vec<String> {
        (self.lost_parts)(live)
    }

    /// The name that an object occupies in the cloud, as far as the state knows it.
    pub fn name_of<'a>(&self, object: &'a Object) -> Option<&'a str> {
        if self.id_is_name {
            return Some(&object.id);
        }
        let applied = object.spec.as_ref().and_then(|spec| spec["name"].as_str());
        applied.or_else(|| object.outputs.get("name").map(String::as_str))
    }

    /// The form in which the service compares names: two names of one form are one name.
    pub fn name_form<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if self.is_name_case_ignored {
            Cow::Owned(name.to_lowercase())
        } else {
            Cow::Borrowed(name)
        }
    }

    /// Tells whether two names are one to the service.
    pub fn is_same_name(&self, one: &str, other: &str) -> bool {
        self.name_form(one) == self.name_form(other)
    }

    /// Tells whether an object of this kind cannot exist beside one that is `desired`.
    pub fn excludes(&self, object: &Object, desired: &Value) -> bool {
        // Names first: reading two specs is dear, and a plan compares many pairs.
        let is_excluded = |spec: &Value| (self.excludes)(spec, desired);
        self.are_named_alike(self.name_of(object), desired)
            && (self.has_unique_names() || object.spec.as_ref().is_some_and(is_excluded))
    }

    /// Tells whether an object that exists as `live` cannot exist beside one that is `desired`.
    pub fn excludes_live(&self, live: &Value, desired: &Value) -> bool {
        self.are_named_alike(live["name"].as_str(), desired)
            && (self.has_unique_names() || (self.excludes)(live, desired))
    }

    fn are_named_alike(&self, name: Option<&str>, desired: &Value) -> bool {
        let names = name.zip(desired["name"].as_str());
        names.is_some_and(|(one, other)| self.is_same_name(one, other))
    }

    /// Tells whether the ownership tags are set after the create.
    pub fn is_created_untagged(&self) -> bool {
        self.create == CreateIdempotency::UniqueNameUntagged
    }

    /// Tells whether no two objects of this kind can have one name.
    pub fn has_unique_names(&self) -> bool {
        matches!(self.create, CreateIdempotency::UniqueName | CreateIdempotency::UniqueNameUntagged)
    }
}

/// Reads a config or spec with its Rust type.
pub(crate) fn typed<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value).map_err(|error| Error::terminal(error.to_string()).with_source(error))
}

/// All kinds, in the order in which the file's sections are described. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry(Arc<[Arc<Kind>]>);

impl Registry {
    pub fn new(kinds: Vec<Kind>) -> Self {
        Self(kinds.into_iter().map(Arc::new).collect())
    }

    pub fn get(&self, name: &str) -> Option<&Arc<Kind>> {
        self.0.iter().find(|kind| kind.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.0.iter()
    }
}
