//! Releasing an object: it stays in the cloud, without its ownership tags.

use serde_json::Value;

use super::{Failure, Op};
use crate::awaited::Awaited;
use crate::change::{Change, ChangeReason, Path};
use crate::kind::{Error, UpdateCost, tag};
use crate::observe::handle;
use crate::state::Transition;

impl Op<'_> {
    /// Removes the ownership tags first: an object that still had them would be found and deleted by a
    /// later run. The tags of its parts are removed before its own, so that an interrupted run starts
    /// again while the object is still owned.
    pub async fn release(&self, id: &str) -> Result<(), Failure> {
        let Some(object) = &self.object else { return Ok(()) };
        let handle = handle(&self.address, object);
        let mut beside = self.wait();
        while let Err(error) = self.provider.release(&handle, &self.shared.owner).await {
            self.retry_change(&mut beside, error).await?;
        }
        let mut trouble = self.wait();
        let mut showing = self.wait();
        let mut is_accepted = false;
        loop {
            let live = match self.provider.observe_one(&handle).await {
                Ok(live) => live,
                Err(error) => {
                    self.retry_read(&mut trouble, error).await?;
                    continue;
                }
            };
            let Some(mut spec) = live.map(|live| live.spec) else {
                // It was visible a moment ago, and may only be late.
                let awaited = Awaited::Visible(id.to_owned());
                if self.live().is_some() && showing.pause(&awaited, self.grace()).await {
                    continue;
                }
                break;
            };
            if spec.get("tags").is_none() {
                let error = Error::terminal(format!("the tags of {id} cannot be read"));
                let hint = "they must be removed first, or it would be found again and deleted";
                return Err(error.with_hint(hint).into());
            }
            let changes = own_tags_away(&mut spec);
            if changes.is_empty() {
                break;
            }
            // An update may become visible a little later.
            if is_accepted {
                if !showing.pause(&Awaited::TagsGone, self.grace()).await {
                    let paths = changes.into_iter().map(|change| change.path).collect();
                    return Err(Failure::NotApplied {
                        paths,
                        may_ignore: false,
                        is_recorded: false,
                    });
                }
                continue;
            }
            match self.provider.update(&handle, &spec, &changes).await {
                Ok(()) => is_accepted = true,
                Err(error) => self.retry_change(&mut trouble, error).await?,
            }
        }
        Ok(self.journal(Transition::Released { id: id.to_owned() }).await?)
    }
}

/// Removes the ownership tags from a spec, and returns what that changes.
fn own_tags_away(spec: &mut Value) -> Vec<Change> {
    let Some(tags) = spec.get_mut("tags").and_then(Value::as_object_mut) else { return Vec::new() };
    let own: Vec<String> = tags.keys().filter(|key| tag::is_own(key)).cloned().collect();
    let gone = own.into_iter().map(|key| {
        let before = tags.remove(&key);
        let path = Path(vec!["tags".to_owned(), key]);
        Change {
            path,
            before,
            after: None,
            reason: ChangeReason::Edited,
            cost: UpdateCost::InPlace,
        }
    });
    gone.collect()
}
