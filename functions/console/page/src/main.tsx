import "./styles";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { arrive } from "./login/redirect";

// Before anything else can read or keep the address.
const arriving = arrive();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App arriving={arriving} />
    </StrictMode>,
  );
}
