/**
 * What is tried first, as it reads without the numbers and signs around it: a word of this list alone, or dressed up
 * to the asked length, is no password. Longer entries are common as a whole.
 */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
  abcd abcdef access account admin administrator adminadmin administratoradmin america andrew angel anthony apple
  asdf asdfgh asdfghjkl ashley babygirl bailey banana baseball basketball batman bitcoin blink buster butterfly
  changeit changeme changemenow changemeplease charlie cheese chelsea chocolate christian claude computer contrasena
  cookie corporate dallas daniel default defaultpassword demo demodemo dragon elephant enter facebook family flower
  football forever freedom friends fuckyou george ginger google guest hallo harley hello helloworld hockey hunter
  iloveyou iloveyousomuch iloveyouforever internet jennifer jessica jesus jordan joshua justin killer kisses
  letmein letmeinnow letmeinplease liverpool login london love loveme lovelove manager manchester martin master
  masterpassword matrix matthew merlin michael michelle minecraft mobile money monkey monster mustang mypass
  mypassword myspace mysecret naruto network newpassword nicole ninja nopassword nothing operator oracle orange
  parola passe passport passphrase passw passwd passwort password passwordadmin passwordpassword passwordpasswort
  pepper phoenix pokemon postgres princess private public purple qazwsx qazwsxedc qwer qwert qwerty qwertyqwerty
  qwertyui qwertyuiop qwertz qwertzuiop ranger robert root rootroot samsung scooter secret secretpassword
  secretsecret secure security server service shadow soccer spiderman starwars starwarsfan startfinding summer
  sunshine superman superstar support swordfish sysadmin system taylor telecom telefon temp temporary temppassword
  test tester testing testpassword testtest thisismypassword thomas thunder tigger trustno trustnoone
  unbelievable unknown user username vodafone wayleave welcome welcomehome welcometo welkom whatever william winter
  wordpass yankees zaq zxcv zxcvbn zxcvbnm zxcvbnmasdfghjklqwertyuiop
  пароль йцукен йцукенгшщзхъ любовь привет parol parolparol salom assalomu
  1q2w3e4r5t 1qaz2wsx 1qaz2wsx3edc q1w2e3r4 q1w2e3r4t5y6 qwe123qwe123 abc123abc123 a1b2c3d4e5f6 aa123456 zaq12wsx
  zaq1xsw2cde3 trustno1 passw0rd p4ssw0rd letmein1 pass1234word 123qweasdzxc qweasdzxc qweasdzxc123 123qwe123qwe
  google1234567 g_czechout anhyeuem
  `
    .split(/\s+/)
    .filter((word) => word !== ''),
)
