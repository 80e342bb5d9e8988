// Probot's own server with one handler that does nothing; its log goes nowhere.
import { run } from "probot";

run((app) => {
  app.on("pull_request", () => {});
});
