package config_test

import (
	"slices"
	"testing"
)

func TestSecretsAreKnownByTheirNames(t *testing.T) {
	for name, secret := range map[string]bool{
		"DB_PASSWORD": true, "PGPASSWORD": true, "DB_PASSWD": true, "DB_PWD": true, "API_KEY": true, "apiKey": true,
		"APIKEY": true, "AWS_ACCESS_KEY_ID": true, "AWS_SECRET_ACCESS_KEY": true, "TOKEN": true, "github-token": true,
		"AUTHTOKEN": true, "dbPassword2": true, "OAUTH_CLIENT_SECRET": true, "GOOGLE_CREDENTIALS": true,
		"GIT_CREDENTIAL": true, "SSH_PRIVATE": true, "BASIC_AUTH": true, "KEY": true,
		"DBPASS": true, "SIGNKEY": true, "dbpass": true, "MY_DBPASS2": true, "APIKEYS": true, "DBPWD": true, "BYPASS": false, "TURKEY": false,
		"MONKEY": false, "KEYBOARD": false, "AUTHOR": false, "PASSENGER": false, "COMPASS": false, "HOCKEY_TEAM": false,
		"TOKENIZERS_PARALLELISM": false, "PATH": false, "PWD": false, "OLDPWD": false, "DB_USER": false,
		"BOOTSTRAP_API_KEY": false, "SECRETARY": false,
	} {
		c, _ := load(t, vars{name: "a-value-of-it"})
		if slices.Contains(c.Secrets, "a-value-of-it") != secret {
			t.Errorf("%s: secret should be %v", name, secret)
		}
	}
}

func TestSecretsComeLongestFirstAndOnce(t *testing.T) {
	c := mustLoad(t, vars{
		"A_TOKEN": "aaaaaa", "B_TOKEN": "bbbbbbbb", "C_TOKEN": "aaaaaa", "SHORT_KEY": "12345", "EMPTY_KEY": "",
		"RUNTIME_USERDATA": `{"D_PASSWORD": "dddddddddd", "E_PASSWORD": 123456}`,
	})
	if want := []string{"dddddddddd", "bbbbbbbb", "123456", "aaaaaa"}; !slices.Equal(c.Secrets, want) {
		t.Errorf("secrets %q, want %q", c.Secrets, want)
	}
}

func TestEachLineOfASecretIsOne(t *testing.T) {
	c := mustLoad(t, vars{"SSH_KEY": "-----BEGIN KEY-----\r\nMIIEpQIBAAK\nxyz\n"})
	want := []string{"-----BEGIN KEY-----\r\nMIIEpQIBAAK\nxyz\n", "-----BEGIN KEY-----", "MIIEpQIBAAK"}
	if !slices.Equal(c.Secrets, want) {
		t.Errorf("secrets %q, want %q", c.Secrets, want)
	}
}

func TestWhatIsInTheUserDataAloneIsSecretWhereOthersAreInTheEnvironment(t *testing.T) {
	data := `{"PLAIN": "in the clear", "ENDPOINT": "inner.example.com", "LIMIT": 123456789, "STAGE": "prod", "BOOTSTRAP_COMMAND": "python3 handler.py", "USER": "not-the-systems"}`
	c := mustLoad(t, vars{"PLAIN": "in the clear", "USER": "root", "RUNTIME_USERDATA": data})
	if want := []string{"inner.example.com", "not-the-systems", "123456789"}; !slices.Equal(c.Secrets, want) {
		t.Errorf("secrets %q, want %q", c.Secrets, want)
	}
	c = mustLoad(t, vars{"RUNTIME_USERDATA": data}) // the platform may put none into the environment
	if len(c.Secrets) > 0 {
		t.Errorf("secrets %q", c.Secrets)
	}
	c = mustLoad(t, vars{"BOOTSTRAP_COMMAND": "python3 handler.py", "RUNTIME_USERDATA": data})
	if !slices.Contains(c.Secrets, "inner.example.com") || !slices.Contains(c.Secrets, "in the clear") {
		t.Errorf("a setting is a variable of the user, too: secrets %q", c.Secrets)
	}
}
