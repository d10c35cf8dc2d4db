//! How a kind is reached: the verbs that call a cloud.

use std::future::Future;

use super::fault::Result;
use super::object::{Context, Created, Found, Handle, Intent, Live, Sought};
use super::resource_type::ResourceType;
use crate::change::Change;

/// The normal form of a provider's kind.
pub type SpecOf<P> = <<P as Provider>::Type as ResourceType>::Spec;

/// The verbs of a kind, each of them repeatable. Implementations write plain `async fn`.
pub trait Provider: Send + Sync + 'static {
    type Type: ResourceType;

    /// Turns a config into its normal form: reads files, digests code. It reads the cloud at most and
    /// never writes to it. Outputs that are not known yet stand in the text as opaque markers, and
    /// must survive.
    fn normalize(
        &self,
        config: <Self::Type as ResourceType>::Config,
        context: &Context,
    ) -> impl Future<Output = Result<SpecOf<Self>>> + Send;

    /// Reads what exists, many objects at once, answers in the order of `handles`. It never writes.
    /// An object that is gone is `None`.
    fn observe(
        &self,
        handles: &[Handle<SpecOf<Self>>],
    ) -> impl Future<Output = Vec<Result<Option<Live<SpecOf<Self>>>>>> + Send;

    /// Returns why a new object, which `observe` says is gone, ended by itself, in the service's words. `None`:
    /// the service does not say, or somebody ended it. It never writes.
    fn ended(
        &self,
        _: &Handle<SpecOf<Self>>,
    ) -> impl Future<Output = Result<Option<String>>> + Send {
        async { Ok(None) }
    }

    /// Finds objects that carry the owner's stack tag, whatever their lineage (all pages), and objects
    /// that have one of the names where names are unique, whoever owns them. (A service that lists no
    /// tags finds by name alone.) It never writes. It is called where the state may not know an
    /// object: with an open intent, an unknown address, a known object that is gone or about to be
    /// replaced, a name that is taken, and before a destroy.
    fn find(&self, sought: Sought<'_>) -> impl Future<Output = Result<Vec<Found>>> + Send;

    /// Sends one call with everything that call accepts, tags and token in it. It does not wait,
    /// makes no follow-up calls (what the call does not take, `update` adds), and does nothing behind
    /// the call that can fail: an error is about this call alone. A reply without an id is
    /// [`Fault::Unknown`](super::Fault::Unknown). An SDK's own retry is off unless the call takes the
    /// token.
    fn create(
        &self,
        intent: &Intent,
        spec: &SpecOf<Self>,
    ) -> impl Future<Output = Result<Created<SpecOf<Self>>>> + Send;

    /// Changes an object towards `desired`, as far as its present condition allows; the engine
    /// observes and calls again until nothing differs. `changes` names what differs.
    fn update(
        &self,
        on: &Handle<SpecOf<Self>>,
        desired: &SpecOf<Self>,
        changes: &[Change],
    ) -> impl Future<Output = Result<()>> + Send;

    /// Returns sentences for the notes of a plan that creates an object from `desired` (`changes` is
    /// empty), or that makes `changes` of one: what the file does not say. It calls nothing.
    fn remarks(&self, _desired: &SpecOf<Self>, _changes: &[Change]) -> Vec<String> {
        Vec::new()
    }

    /// Starts the removal of the object and of what was made for it. An object that is gone already
    /// is success. It is repeated after an interruption, also when `observe` finds the object gone.
    fn delete(&self, handle: &Handle<SpecOf<Self>>) -> impl Future<Output = Result<()>> + Send;
}
