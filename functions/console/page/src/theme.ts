import { createTheme, Modal, Popover, Select, TagsInput } from "@mantine/core";

/** Whatever locks the page's scrolling or moves would write a style sheet at run time; app.css does it. */
export const theme = createTheme({
  primaryColor: "indigo",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Modal: Modal.extend({
      defaultProps: { lockScroll: false, centered: true, closeButtonProps: { "aria-label": "Close" } },
    }),
    Popover: Popover.extend({ defaultProps: { withinPortal: true } }),
    Select: Select.extend({ defaultProps: { allowDeselect: false, comboboxProps: { withinPortal: true } } }),
    TagsInput: TagsInput.extend({ defaultProps: { comboboxProps: { withinPortal: true } } }),
  },
});
