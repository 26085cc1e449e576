// What the page knows about its model: `model_facts` of triptych.serve.page.

export const facts = JSON.parse(document.getElementById("facts").textContent);

/** The classes that a pixel can have, void included: id, name and colour of each. */
export const classes = facts.names.map((name, id) => ({ id, name, color: facts.palette?.[id] ?? [0, 0, 0] }));
if (facts.ignore_index !== null && facts.ignore_index >= classes.length) {
  classes.push({ id: facts.ignore_index, name: "void (no class)", color: [0, 0, 0] });
}
