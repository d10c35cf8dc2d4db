//! Kinds without their types: the only place that forgets them.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::FutureExt as _;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::change::{Change, Path};
use crate::kind::{
    Context, Contribution, Created, Error, Field, Found, Handle, Intent, Kind, Live, Locked, Owner,
    Problem, Repeat, Result, Siblings,
};

type Future<'a, T> = Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

/// [`Kind`], with configs and specs as JSON.
pub trait AnyKind: Send + Sync {
    fn name(&self) -> &'static str;
    fn outputs(&self) -> &'static [&'static str];
    fn fields(&self) -> &'static [Field];
    fn repeat(&self) -> Repeat;
    fn derived(&self) -> &'static [&'static str];
    fn plain(&self) -> &'static [&'static str];
    fn lost(&self) -> &'static str;
    fn follows(&self) -> &'static [(&'static str, &'static str)];
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;
    /// Alone and beside its siblings.
    fn check(&self, config: &Value, siblings: Siblings<'_>) -> Result<Vec<Problem>>;
    fn alike(&self, path: &Path, this: &Value, that: &Value) -> bool;
    fn others(&self, applied: Option<&Value>, live: &Value) -> Vec<String>;
    fn contribute(&self, config: &Value, at: &Context) -> Result<Vec<Contribution>>;
    fn normalize<'a>(&'a self, config: &'a Value, at: &'a Context) -> Future<'a, Result<Value>>;
    fn observe<'a>(
        &'a self,
        handles: &'a [Handle<Value>],
    ) -> Future<'a, Vec<Result<Option<Live<Value>>>>>;
    fn find<'a>(&'a self, owner: &'a Owner, names: &'a [String]) -> Future<'a, Result<Vec<Found>>>;
    fn create<'a>(
        &'a self,
        intent: &'a Intent,
        spec: &'a Value,
    ) -> Future<'a, Result<Created<Value>>>;
    fn update<'a>(
        &'a self,
        on: &'a Handle<Value>,
        desired: &'a Value,
        changes: &'a [Change],
    ) -> Future<'a, Result<()>>;
    fn delete<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<()>>;
    fn locked<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<Option<Locked>>>;
    fn let_go<'a>(&'a self, handle: &'a Handle<Value>, owner: &'a Owner) -> Future<'a, Result<()>>;
    fn forget<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<()>>;
}

/// Makes a kind an [`AnyKind`].
pub fn erase<K: Kind>(kind: K) -> Arc<dyn AnyKind> {
    Arc::new(Erased(kind))
}

struct Erased<K>(K);

impl<K: Kind> AnyKind for Erased<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn outputs(&self) -> &'static [&'static str] {
        K::OUTPUTS
    }

    fn fields(&self) -> &'static [Field] {
        K::FIELDS
    }

    fn repeat(&self) -> Repeat {
        K::CREATE
    }

    fn derived(&self) -> &'static [&'static str] {
        K::DERIVED
    }

    fn plain(&self) -> &'static [&'static str] {
        K::PLAIN
    }

    fn follows(&self) -> &'static [(&'static str, &'static str)] {
        K::FOLLOWS
    }

    fn lost(&self) -> &'static str {
        K::LOST
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        K::Config::json_schema(generator)
    }

    fn check(&self, config: &Value, siblings: Siblings<'_>) -> Result<Vec<Problem>> {
        let config = typed(config)?;
        let mut problems = K::check(&config);
        problems.extend(K::check_against(&config, siblings));
        Ok(problems)
    }

    fn alike(&self, path: &Path, this: &Value, that: &Value) -> bool {
        K::alike(path, this, that)
    }

    /// A spec that cannot be read tells nothing.
    fn others(&self, applied: Option<&Value>, live: &Value) -> Vec<String> {
        let applied = applied.and_then(|applied| typed(applied).ok());
        typed(live).map(|live| K::others(applied.as_ref(), &live)).unwrap_or_default()
    }

    fn contribute(&self, config: &Value, at: &Context) -> Result<Vec<Contribution>> {
        Ok(K::contribute(&typed(config)?, at))
    }

    fn normalize<'a>(&'a self, config: &'a Value, at: &'a Context) -> Future<'a, Result<Value>> {
        async move { untyped(&self.0.normalize(typed(config)?, at).await?) }.boxed()
    }

    fn observe<'a>(
        &'a self,
        handles: &'a [Handle<Value>],
    ) -> Future<'a, Vec<Result<Option<Live<Value>>>>> {
        async move {
            let handles: Vec<_> = handles.iter().map(typed_handle).collect();
            let seen = self.0.observe(&handles).await;
            let untyped = |live: Option<Live<K::Spec>>| live.map(untyped_live).transpose();
            seen.into_iter().map(|answer| answer.and_then(untyped)).collect()
        }
        .boxed()
    }

    fn find<'a>(&'a self, owner: &'a Owner, names: &'a [String]) -> Future<'a, Result<Vec<Found>>> {
        self.0.find(owner, names).boxed()
    }

    fn create<'a>(
        &'a self,
        intent: &'a Intent,
        spec: &'a Value,
    ) -> Future<'a, Result<Created<Value>>> {
        async move {
            let created = self.0.create(intent, &typed(spec)?).await?;
            Ok(Created { id: created.id, live: untyped_live(created.live)? })
        }
        .boxed()
    }

    fn update<'a>(
        &'a self,
        on: &'a Handle<Value>,
        desired: &'a Value,
        changes: &'a [Change],
    ) -> Future<'a, Result<()>> {
        async move { self.0.update(&typed_handle(on), &typed(desired)?, changes).await }.boxed()
    }

    fn delete<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<()>> {
        async move { self.0.delete(&typed_handle(handle)).await }.boxed()
    }

    fn locked<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<Option<Locked>>> {
        async move { self.0.locked(&typed_handle(handle)).await }.boxed()
    }

    fn let_go<'a>(&'a self, handle: &'a Handle<Value>, owner: &'a Owner) -> Future<'a, Result<()>> {
        async move { self.0.let_go(&typed_handle(handle), owner).await }.boxed()
    }

    fn forget<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<()>> {
        async move { self.0.forget(&typed_handle(handle)).await }.boxed()
    }
}

fn typed<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value).map_err(|error| Error::terminal(error.to_string()).with_source(error))
}

fn untyped<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::terminal(error.to_string()).with_source(error))
}

/// A spec that an older version recorded and this one cannot read counts as unknown.
fn typed_handle<S: DeserializeOwned>(handle: &Handle<Value>) -> Handle<S> {
    Handle {
        address: handle.address.clone(),
        id: handle.id.clone(),
        generation: handle.generation,
        outputs: handle.outputs.clone(),
        applied: handle.applied.as_ref().and_then(|applied| S::deserialize(applied).ok()),
    }
}

fn untyped_live<S: Serialize>(live: Live<S>) -> Result<Live<Value>> {
    Ok(Live {
        spec: untyped(&live.spec)?,
        outputs: live.outputs,
        pins: live.pins,
        identity: live.identity,
        settled: live.settled,
        notes: live.notes,
        facts: live.facts,
    })
}

/// The kinds a run knows, in the order in which sections are described.
#[derive(Clone, Default)]
pub struct Registry(Vec<Arc<dyn AnyKind>>);

impl Registry {
    pub fn new(kinds: Vec<Arc<dyn AnyKind>>) -> Self {
        Self(kinds)
    }

    pub fn get(&self, name: &str) -> Option<&Arc<dyn AnyKind>> {
        self.0.iter().find(|kind| kind.name() == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn AnyKind>> {
        self.0.iter()
    }
}
