//! The kinds on the AWS SDK. The only place that names an AWS SDK.

pub mod api;
pub mod call;
pub mod cloud;
pub mod fault;
pub mod instance;
pub mod once;
pub mod pace;
pub mod policy;
pub mod role;
pub mod tags;
