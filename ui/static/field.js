// A number field: text, so that whatever a person types reaches the server as it stands (a seed of 19 digits, "abc"),
// announced as a spin button. Arrow keys step; the server says what is wrong with a value.

export function mount(element, props, watch) {
  const input = element.querySelector("input");
  const step = Number(input.dataset.step);
  const places = (input.dataset.step.split(".")[1] || "").length;

  const show = () => {
    if (input.value !== String(props.value ?? "")) input.value = props.value ?? "";
    announce();
  };
  const announce = () => {
    input.removeAttribute("aria-invalid");
    if (input.value.trim() !== "" && Number.isFinite(Number(input.value))) input.setAttribute("aria-valuenow", input.value);
    else input.removeAttribute("aria-valuenow");
  };
  const edit = () => {
    props.value = input.value;
    announce();
  };

  input.addEventListener("input", edit);
  input.addEventListener("keydown", (event) => {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const now = Number(input.value);
    if (!direction || !Number.isSafeInteger(Math.round(now))) return;
    event.preventDefault();
    input.value = (now + direction * step).toFixed(places);
    edit();
  });
  watch("value", show);
  show();
}
