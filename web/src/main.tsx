import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/queries";
import { App } from "./App";
import { LinkProvider } from "./hooks/useLab";
import { theme, variables } from "./theme";
import "./mantine.css";
import "./app.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with the id root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider defaultColorScheme="auto" theme={theme} cssVariablesResolver={variables}>
      <QueryClientProvider client={queryClient}>
        <LinkProvider>
          <App />
        </LinkProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
