//! The code generated from the `.proto` files, in modules nested like their packages, because it refers to itself that
//! way.
#![expect(
    missing_docs,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::len_without_is_empty,
    reason = "generated from the .proto files, which document themselves"
)]

pub(crate) mod c1 {
    pub(crate) mod c1z {
        pub mod v3 {
            include!(concat!(env!("OUT_DIR"), "/c1.c1z.v3.rs"));
        }
    }
    pub(crate) mod config {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/c1.config.v1.rs"));
        }
    }
    pub(crate) mod connector {
        pub mod v2 {
            include!(concat!(env!("OUT_DIR"), "/c1.connector.v2.rs"));
        }
    }
    pub(crate) mod connectorapi {
        pub(crate) mod baton {
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/c1.connectorapi.baton.v1.rs"));
            }
        }
    }
    pub(crate) mod ratelimit {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/c1.ratelimit.v1.rs"));
        }
    }
    pub(crate) mod reader {
        pub mod v2 {
            include!(concat!(env!("OUT_DIR"), "/c1.reader.v2.rs"));
        }
    }
    pub(crate) mod storage {
        pub mod v3 {
            include!(concat!(env!("OUT_DIR"), "/c1.storage.v3.rs"));
        }
    }
}

pub(crate) mod google {
    pub mod rpc {
        include!(concat!(env!("OUT_DIR"), "/google.rpc.rs"));
    }
}
