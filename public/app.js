// Not at a reload: live reload makes one at each edit.
if (performance.getEntriesByType('navigation')[0].type !== 'reload') alert('you are feeling app.js!')
