alert('you are feeling app.js!')
