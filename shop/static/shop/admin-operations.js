// The operations page renews what it shows every few seconds, while somebody looks at it.
const panel = document.querySelector("[data-renewed-from]");

const renew = async () => {
  try {
    const answer = await fetch(panel.dataset.renewedFrom, { redirect: "error" });
    if (answer.ok) panel.innerHTML = await answer.text();
    panel.classList.toggle("is-stale", !answer.ok);
  } catch {
    panel.classList.add("is-stale"); // offline for a moment: look again later
  }
  later();
};
const later = () => setTimeout(() => (document.hidden ? later() : renew()), 5000);
later();
