package secret

import (
	"slices"
	"testing"
)

func TestWhatAUserHadEncryptedIsSecretWhateverItsName(t *testing.T) {
	encrypted := map[string]string{
		"ENDPOINT": "inner.example.com", "SHORT": "S3c1", "WORD": "prod", "YES": "true", "ONE": "1", "PORT": "5432", "STAGE": "production",
		"MY_PASSWORD": "default", "BOOTSTRAP_COMMAND": "python3 handler.py", "LINES": "first line\nsecond line\n}",
	}
	got := Values(encrypted, encrypted)
	want := []string{"first line\nsecond line\n}", "inner.example.com", "second line", "first line", "default", "S3c1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Values(encrypted, nil); !slices.Equal(got, []string{"default"}) {
		t.Errorf("where nobody knows what is encrypted: got %q", got)
	}
}

func TestAPasswordIsFoundWhereverItStandsInAValue(t *testing.T) {
	for value, want := range map[string][]string{
		"postgres://bob:S3cret@db/x":                              {"postgres://bob:S3cret@db/x", "S3cret"},
		"redis://:S3cret@cache:6379/0":                            {"redis://:S3cret@cache:6379/0", "S3cret"},
		"postgres://bob:S3%2Fcret@db/x":                           {"postgres://bob:S3%2Fcret@db/x", "S3%2Fcret", "S3/cret"},
		"postgres://bob:S3/cr@et@db/x":                            {"postgres://bob:S3/cr@et@db/x", "S3/cr"}, // as far as it can be told
		"postgres://bob:S3@cret@db/x":                             {"postgres://bob:S3@cret@db/x", "S3@cret"},
		"use mongodb://u:S3cret-1@a,b/x or 'amqp://u:S3cret-2@c'": {"mongodb://u:S3cret-1@a,b/x", "amqp://u:S3cret-2@c", "S3cret-1", "S3cret-2"},
		"postgres://postgres:postgres@localhost/x":                {"postgres://postgres:postgres@localhost/x"},
		"jdbc:mysql://db/x?user=bob&password=S3cret":              {"S3cret"},
		"host=db user=bob password='S3cret' sslmode=on":           {"S3cret"},
		"Server=db,1433;User Id=bob;Password=S3,cret=;":           {"S3,cret="},
		"cache:6379,password=S3cret,ssl=True":                     {"S3cret,ssl=True", "S3cret"},
		"-Xmx1g -Dapp.db.password=S3cret":                         {"S3cret"},
		`{"user":"bob","db":[{"password":"S3cret"}]}`:             {"S3cret"},
		`{"url":"https://bob:S3cret@db/"}`:                        {"https://bob:S3cret@db/", "S3cret"},
		"https://example.com/path?a=b#c":                          nil,
		"https://registry.example.com/@scope/package":             nil,
		"http://localhost:8080/users/@me":                         nil,
		"https://bob@example.com":                                 nil,
		"a=b; monkey=business":                                    nil,
		"mailto:bob@example.com":                                  nil,
		"://:@":                                                   nil,
		"{":                                                       nil,
	} {
		if got := Values(map[string]string{"PLAIN": value}, nil); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

func TestOfASettingOnlyThePasswordOfAURLIsSecret(t *testing.T) {
	got := Values(map[string]string{"BOOTSTRAP_COMMAND": "app --db postgres://bob:S3cret@db/x TOKEN=something"}, nil)
	if want := []string{"postgres://bob:S3cret@db/x", "S3cret"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAPlainValueOfFourOrFiveBytesIsNoSecret(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, "1": false, "on": false, "S3c": false, "true": false, "True": false, "PROD": false, "Paris": false, "5432": false, "12345": false, "----": false,
		"S3c1": true, "pa$$": true, "sEcR": true, "v1.2": true, "PASS1": true, "parole": true, "123456": true, "пар1": true,
	} {
		if got := isMaskable(value); got != want {
			t.Errorf("%q: got %v", value, got)
		}
	}
}
