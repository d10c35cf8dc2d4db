//! What an operation waits for.

use stackwright_engine::awaited::Awaited;

/// Completes "waiting for …".
pub fn phrase(awaited: &Awaited) -> String {
    match awaited {
        Awaited::Other(what) => what.clone(),
        Awaited::Visible(id) => format!("{id} to be visible"),
        Awaited::Gone(id) => format!("{id} to be gone"),
        Awaited::FormerGone(name) => format!("the former `{name}` to be gone"),
        Awaited::NameVisible(name) => format!("the object named `{name}` to be visible"),
        Awaited::EarlierCreate => "the object of an earlier create to be visible".to_owned(),
        Awaited::CreateAccepted => "the create to be accepted".to_owned(),
        Awaited::CreateOutcome => "the outcome of a create".to_owned(),
        Awaited::ChangeOutcome => "the outcome of an earlier call".to_owned(),
        Awaited::ChangeVisible => "the change to be visible".to_owned(),
        Awaited::TagsGone => "its tags to be gone".to_owned(),
        Awaited::Capacity => "the service to take more calls".to_owned(),
        Awaited::OtherChange => "another change of the same object".to_owned(),
        Awaited::ReadableAnswer => "an answer that can be read".to_owned(),
    }
}
