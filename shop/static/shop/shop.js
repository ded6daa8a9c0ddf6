// Makes the storefront quicker. Every page works without it.
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Errors first: the summary or the wrong field has the focus.
document.querySelector("[data-focus]")?.focus();

// A choice that changes its form sends it; price and stock follow the chosen variant.
addEventListener("change", ({ target }) => {
  if (target.matches("[data-submits]")) target.form.requestSubmit();
  if (!target.matches(".variants input")) return;
  document.querySelector("[data-price-text]").textContent = target.dataset.price;
  document.querySelector("[data-left-text]").textContent = target.dataset.left;
});

// A form that has been sent says so, and is sent once; a live one changes the page it stands in.
const idle = (form) => {
  form.ariaBusy = null;
  for (const button of all("[aria-busy]", form)) {
    button.ariaBusy = null;
    if (button.dataset.idle) button.innerHTML = button.dataset.idle;
  }
};
let sent = Promise.resolve();
addEventListener("submit", (event) => {
  const { target: form, submitter: button } = event;
  if (form.method !== "post") return;
  if (form.ariaBusy === "true") return event.preventDefault();
  form.ariaBusy = "true";
  if (button) button.ariaBusy = "true";
  if (button?.dataset.busy) {
    button.dataset.idle = button.innerHTML;
    button.textContent = button.dataset.busy;
  }
  if (!form.dataset.live) return;
  event.preventDefault();
  const body = new FormData(form, button); // in turn: each answer's cookie is the next one's cart
  sent = sent.then(() => send(form, button, body));
});
addEventListener("pageshow", (event) => event.persisted && all("form").forEach(idle));

const send = async (form, button, body) => {
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    show(page, answer.ok && form.dataset.live === "stay");
    idle(form);
  } catch { // as without a script: the browser says what is wrong
    idle(form);
    delete form.dataset.live;
    form.requestSubmit(button);
  }
};
const show = (page, stays) => {
  const { id } = document.activeElement;
  const parts = [".site-nav", ...(stays ? [] : ["main"])];
  for (const part of parts) document.querySelector(part).replaceWith(page.querySelector(part));
  const messages = document.querySelector(".messages");
  messages.replaceChildren(...page.querySelector(".messages").childNodes);
  document.querySelector("#told").textContent = document.querySelector("[data-told]")?.dataset.told ?? "";
  document.title = page.title;
  if (stays) return messages.scrollIntoView({ block: "nearest" });
  const next = document.querySelector("[data-focus]") ?? (id && document.getElementById(id));
  (next || document.querySelector("main")).focus();
};

// Checkout: only what goes to the country is offered; the total follows the delivery.
const country = document.querySelector(".checkout [name=country]");
if (country) {
  const options = all(".option");
  const follow = () => {
    for (const option of options) {
      const countries = option.dataset.countries;
      option.hidden = Boolean(countries && country.value) && !countries.split(" ").includes(country.value);
    }
    const offered = options.filter((option) => !option.hidden).map((option) => option.control);
    const chosen = offered.find((input) => input.checked) ?? offered[0];
    if (!chosen) return;
    chosen.checked = true;
    for (const text of all("[data-total-text]")) text.textContent = chosen.dataset.total;
    document.querySelector("[data-delivery-text]").textContent = chosen.dataset.price;
  };
  const cheapest = () => {
    for (const option of options) option.control.checked = false;
    follow();
  };
  country.addEventListener("change", cheapest);
  for (const option of options) option.addEventListener("change", follow);
  follow();
}

// Order page: the time left runs; the page renews itself.
const countDown = () => {
  for (const text of all("[data-until]")) {
    const minutes = Math.ceil((new Date(text.dataset.until) - Date.now()) / 60000);
    text.textContent = text.dataset.minutes.replace("%s", Math.max(0, minutes));
  }
};
const look = async () => {
  const order = document.querySelector("[data-poll]");
  if (!order) return;
  try {
    const news = await (await fetch("?format=json")).json();
    if (news.version !== order.dataset.version) {
      const page = new DOMParser().parseFromString(await (await fetch("")).text(), "text/html");
      order.replaceWith(page.querySelector(".order"));
      document.querySelector(".site-nav").replaceWith(page.querySelector(".site-nav"));
      countDown();
    } else if (!news.poll) return;
    else order.dataset.poll = news.poll;
  } catch { /* Offline for a moment. */ }
  later();
};
const later = () => {
  const seconds = document.querySelector("[data-poll]")?.dataset.poll;
  if (seconds) setTimeout(() => (document.hidden ? later() : look()), seconds * 1000);
};
countDown();
setInterval(countDown, 15000);
later();

// In line: the page looks again, and goes where the order can be paid.
const wait = (waiting) => setTimeout(async () => {
  try {
    const { state } = await (await fetch("?format=json")).json();
    if (state !== "waiting") return location.reload();
    const answer = await fetch("", { redirect: "manual" }); // PayPal, if ready
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = page.querySelector("[data-waits] [role=status]")?.textContent;
    const said = waiting.querySelector("[role=status]");
    if (told && told !== said.textContent) said.textContent = told;
  } catch { /* Offline for a moment. */ }
  wait(waiting);
}, waiting.dataset.waits * 1000);
all("[data-waits]").forEach(wait);
const full = document.querySelector("[data-again]")?.dataset; // too many orders
if (full) setTimeout(() => location.assign(full.at), full.again * 1000);
