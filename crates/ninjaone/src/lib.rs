//! NinjaOne adapter: REST client, wire types, mapping to the domain.
