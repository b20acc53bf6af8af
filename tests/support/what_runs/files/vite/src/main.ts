import { greeting } from "./greeting";

document.querySelector("#app")!.textContent = greeting("Windows");
