//! Values that NinjaOne omits, sends unreadably, or contradicts are unknown, and unknown is never reported as "already": not at the
//! command line, not in a review, not to ConductorOne.

mod accounts;
mod every_field;
mod faults;
mod reviews;
mod roles;
mod service;
