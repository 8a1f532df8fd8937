//! Google OAuth 2.0 and Calendar v3 as requests and answers.
