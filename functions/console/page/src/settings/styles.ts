import "@mantine/core/styles/Card.css";
import "@mantine/core/styles/Badge.css";
import "@mantine/core/styles/Progress.css";
