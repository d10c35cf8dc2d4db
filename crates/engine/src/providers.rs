//! Providers without their Rust types: configs and specs are JSON here.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::FutureExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::change::Change;
use crate::kind::{
    Context, Created, DeletionProtection, Error, ExistingPart, Fault, Found, Handle, Intent, Live,
    Owner, Ownership, Result, Sought, SpecOf,
};
use crate::registry::{Kind, Registry, typed};

type Future<'a, T> = Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

/// No id of AWS is longer; its ARNs have at most 1,024 characters.
const LONGEST_ID: usize = 1024;

/// The verbs of [`Provider`](crate::kind::Provider) and [`Ownership`], with configs and specs as JSON.
pub trait AnyProvider: Send + Sync {
    /// What is known of its kind without a cloud.
    fn kind(&self) -> &Kind;
    fn normalize<'a>(
        &'a self,
        config: &'a Value,
        context: &'a Context,
    ) -> Future<'a, Result<Value>>;
    /// Answers for each handle, in their order.
    fn observe<'a>(
        &'a self,
        handles: Vec<Handle<Value>>,
    ) -> Future<'a, Vec<Result<Option<Live<Value>>>>>;
    fn ended<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<Option<String>>>;
    fn find<'a>(&'a self, sought: Sought<'a>) -> Future<'a, Result<Vec<Found>>>;
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
    fn remarks(&self, desired: &Value, changes: &[Change]) -> Vec<String>;
    fn deletion_protection<'a>(
        &'a self,
        handle: &'a Handle<Value>,
    ) -> Future<'a, Result<Option<DeletionProtection>>>;
    fn existing_parts<'a>(
        &'a self,
        desired: &'a Value,
        changes: &'a [Change],
    ) -> Future<'a, Result<Vec<ExistingPart>>>;
    fn release<'a>(&'a self, handle: &'a Handle<Value>, owner: &'a Owner)
    -> Future<'a, Result<()>>;
    fn delete_orphans<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<()>>;
}

impl dyn AnyProvider + '_ {
    /// Observes one object.
    pub async fn observe_one(&self, handle: &Handle<Value>) -> Result<Option<Live<Value>>> {
        let mut seen = self.observe(vec![handle.clone()]).await;
        seen.pop().unwrap_or_else(|| Err(unanswered()))
    }
}

/// One provider for each kind of a registry. Cheap to clone.
#[derive(Clone, Default)]
pub struct Providers {
    kinds: Registry,
    providers: Vec<Arc<dyn AnyProvider>>,
}

impl Providers {
    /// `providers`: of kinds of `kinds`.
    pub fn new(kinds: Registry, providers: Vec<Arc<dyn AnyProvider>>) -> Self {
        Self { kinds, providers }
    }

    /// The kinds that are reached.
    pub fn kinds(&self) -> &Registry {
        &self.kinds
    }

    /// # Errors
    /// This build knows no such kind (a state may name one of a newer build).
    pub fn get(&self, kind: &str) -> Result<&dyn AnyProvider> {
        let provider = self.providers.iter().find(|provider| provider.kind().name == kind);
        provider.map(Arc::as_ref).ok_or_else(|| {
            Error::terminal(format!("this version knows no resource type `{kind}`"))
                .with_hint("use the version that wrote the state")
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn AnyProvider> {
        self.providers.iter().map(Arc::as_ref)
    }
}

/// Removes the types from a provider of the compiled `kind`.
pub fn erase<P: Ownership>(kind: Arc<Kind>, provider: P) -> Arc<dyn AnyProvider> {
    Arc::new(Erased { kind, provider })
}

struct Erased<P> {
    kind: Arc<Kind>,
    provider: P,
}

impl<P: Ownership> AnyProvider for Erased<P> {
    fn kind(&self) -> &Kind {
        &self.kind
    }

    fn normalize<'a>(
        &'a self,
        config: &'a Value,
        context: &'a Context,
    ) -> Future<'a, Result<Value>> {
        async move { untyped(&self.provider.normalize(typed(config)?, context).await?) }.boxed()
    }

    fn observe<'a>(
        &'a self,
        handles: Vec<Handle<Value>>,
    ) -> Future<'a, Vec<Result<Option<Live<Value>>>>> {
        async move {
            let handles: Vec<_> = handles.into_iter().map(|handle| typed_handle(&handle)).collect();
            let mut seen = self.provider.observe(&handles).await;
            seen.resize_with(handles.len(), || Err(unanswered()));
            let untyped = |live: Option<Live<SpecOf<P>>>| live.map(untyped_live).transpose();
            seen.into_iter().map(|answer| answer.and_then(untyped)).collect()
        }
        .boxed()
    }

    fn ended<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<Option<String>>> {
        async move { self.provider.ended(&typed_handle(handle)).await }.boxed()
    }

    fn find<'a>(&'a self, sought: Sought<'a>) -> Future<'a, Result<Vec<Found>>> {
        async move {
            let found = self.provider.find(sought).await?;
            found.iter().try_for_each(|found| bounded(&found.id))?;
            Ok(found)
        }
        .boxed()
    }

    fn create<'a>(
        &'a self,
        intent: &'a Intent,
        spec: &'a Value,
    ) -> Future<'a, Result<Created<Value>>> {
        async move {
            let created = self.provider.create(intent, &typed(spec)?).await?;
            bounded(&created.id)?;
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
        async move { self.provider.update(&typed_handle(on), &typed(desired)?, changes).await }
            .boxed()
    }

    fn delete<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<()>> {
        async move { self.provider.delete(&typed_handle(handle)).await }.boxed()
    }

    fn remarks(&self, desired: &Value, changes: &[Change]) -> Vec<String> {
        typed(desired)
            .map_or_else(|_| Vec::new(), |desired| self.provider.remarks(&desired, changes))
    }

    fn deletion_protection<'a>(
        &'a self,
        handle: &'a Handle<Value>,
    ) -> Future<'a, Result<Option<DeletionProtection>>> {
        async move { self.provider.deletion_protection(&typed_handle(handle)).await }.boxed()
    }

    fn existing_parts<'a>(
        &'a self,
        desired: &'a Value,
        changes: &'a [Change],
    ) -> Future<'a, Result<Vec<ExistingPart>>> {
        async move { self.provider.existing_parts(&typed(desired)?, changes).await }.boxed()
    }

    fn release<'a>(
        &'a self,
        handle: &'a Handle<Value>,
        owner: &'a Owner,
    ) -> Future<'a, Result<()>> {
        async move { self.provider.release(&typed_handle(handle), owner).await }.boxed()
    }

    fn delete_orphans<'a>(&'a self, handle: &'a Handle<Value>) -> Future<'a, Result<()>> {
        async move { self.provider.delete_orphans(&typed_handle(handle)).await }.boxed()
    }
}

/// Refuses an id that is longer than any of AWS: it becomes part of a URL.
pub(crate) fn bounded(id: &str) -> Result<()> {
    let length = id.len();
    if length <= LONGEST_ID {
        return Ok(());
    }
    let start: String = id.chars().take(20).collect();
    let message =
        format!("the id `{start}…` has {length} characters; an id has at most {LONGEST_ID}");
    Err(Error::new(Fault::Unknown, message))
}

fn untyped<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::terminal(error.to_string()).with_source(error))
}

/// An object without an answer may exist: it must not count as gone.
pub(crate) fn unanswered() -> Error {
    Error::new(Fault::Unknown, "the object was left out of the answer")
}

/// A spec that an older version recorded and this one cannot read counts as unknown.
fn typed_handle<S: DeserializeOwned>(handle: &Handle<Value>) -> Handle<S> {
    Handle {
        address: handle.address.clone(),
        id: handle.id.clone(),
        generation: handle.generation,
        outputs: handle.outputs.clone(),
        applied: handle.applied.as_ref().and_then(|applied| S::deserialize(applied).ok()),
        memo: handle.memo.clone(),
    }
}

fn untyped_live<S: Serialize>(live: Live<S>) -> Result<Live<Value>> {
    Ok(Live {
        spec: untyped(&live.spec)?,
        outputs: live.outputs,
        fingerprints: live.fingerprints,
        identity: live.identity,
        readiness: live.readiness,
        notes: live.notes,
        facts: live.facts,
        memo: live.memo,
    })
}
