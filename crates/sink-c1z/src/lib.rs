//! Access sink that writes a c1z file.
