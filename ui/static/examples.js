// Example prompts: a click names the example; the server fills in the fields.

export function mount(element, props, trigger) {
  for (const button of element.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      props.value = Number(button.dataset.number);
      trigger("select");
      const prompt = document.querySelector("#prompt textarea");
      prompt?.focus({ preventScroll: true });
      prompt?.scrollIntoView({ block: "center", behavior: "smooth" });
    });
  }
}
