//! A simulated Google Calendar.
