// Style sheets of what the first page shows; the others come with what needs them. Their order matters:
// buttons stand on unstyled buttons.
import "@mantine/core/styles/baseline.css";
import "@mantine/core/styles/default-css-variables.css";
import "@mantine/core/styles/global.css";
import "@mantine/core/styles/UnstyledButton.css";
import "@mantine/core/styles/Button.css";
import "@mantine/core/styles/CloseButton.css";
import "@mantine/core/styles/Paper.css";
import "@mantine/core/styles/Loader.css";
import "@mantine/core/styles/Group.css";
import "@mantine/core/styles/Stack.css";
import "@mantine/core/styles/Text.css";
import "@mantine/core/styles/Title.css";
import "@mantine/core/styles/Alert.css";
import "@mantine/core/styles/ActionIcon.css";
import "@mantine/core/styles/Notification.css";
import "./app.css";
import "./calendar/calendar.css";
import "./event/dialog.css";
import "./shell/lists.css";
