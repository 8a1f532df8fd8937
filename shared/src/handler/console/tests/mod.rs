//! What is refused, and how the page is served.
