//! The kinds on the AWS SDK. The only place that names an AWS SDK.

pub mod api;
pub mod build;
pub mod call;
pub mod calls;
pub mod cloud;
#[cfg(test)]
mod edited;
pub mod fault;
pub mod function;
pub mod instance;
pub mod invoke;
pub mod kinds;
pub mod log_group;
pub mod logs;
pub mod once;
pub mod pace;
pub mod package;
pub mod policy;
pub mod role;
pub mod tags;
pub mod vendor;
mod whole;
