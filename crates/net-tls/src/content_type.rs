//! Content types of responses.

/// Whether a `Content-Type` is that of a web page. No API that this program calls returns one: the response comes from a
/// proxy, a gateway or a captive portal, so its status says nothing about the request.
#[must_use]
pub fn is_html(content_type: &str) -> bool {
    content_type.to_ascii_lowercase().contains("html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_recognized_whatever_their_parameters() {
        for page in ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"] {
            assert!(is_html(page), "{page}");
        }
        for other in ["application/json", "application/grpc", "text/plain", ""] {
            assert!(!is_html(other), "{other}");
        }
    }
}
