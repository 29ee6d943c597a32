"use strict";
/* Everything here is comfort: without it the page still says everything. */
(function () {
  var tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.appendChild(tip);
  function hide() { tip.hidden = true; }
  function show(event) {
    var mark = event.target.closest ? event.target.closest("[data-tip]") : null;
    if (!mark) { hide(); return; }
    tip.textContent = mark.getAttribute("data-tip");
    tip.hidden = false;
    var box = mark.getBoundingClientRect(), size = tip.getBoundingClientRect();
    var left = Math.min(Math.max(8, box.left + box.width / 2 - size.width / 2), window.innerWidth - size.width - 8);
    var top = box.top - size.height - 8;
    tip.style.left = left + "px";
    tip.style.top = (top < 8 ? box.bottom + 8 : top) + "px";
  }
  document.addEventListener("pointerover", show);
  document.addEventListener("click", show);
  document.addEventListener("scroll", hide, true);

  Array.prototype.forEach.call(document.querySelectorAll(".find"), function (box) {
    var table = box.parentNode.querySelector(".people");
    box.addEventListener("input", function () {
      var words = box.value.toLowerCase().split(/\s+/);
      Array.prototype.forEach.call(table.tBodies[0].rows, function (row) {
        var text = row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
      });
    });
  });

  var links = Array.prototype.slice.call(document.querySelectorAll("nav a"));
  if ("IntersectionObserver" in window) {
    var watcher = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) { return; }
        links.forEach(function (link) {
          link.classList.toggle("here", link.getAttribute("href") === "#" + entry.target.id);
        });
      });
    }, { rootMargin: "-10% 0px -80% 0px" });
    Array.prototype.forEach.call(document.querySelectorAll("main > section"), function (one) { watcher.observe(one); });
  }
})();
