package test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"unicode/utf8"
)

// speakers make a worker of a behaviour, each for one protocol. They return the
// exit code.
var speakers = map[string]func(behaviour) int{"lines": speakLines, "jsonrpc": speakJSONRPC, "actionloop": speakActionLoop}

// eachLine calls do for each line of stdin, until that ends or do returns a code.
func eachLine(do func(line []byte) int) int {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return 0
		}
		if err != nil {
			return code(err)
		}
		if exit := do(bytes.TrimSuffix(line, []byte("\n"))); exit != 0 {
			return exit
		}
	}
}

func speakLines(do behaviour) int {
	return eachLine(func(event []byte) int {
		var answer bytes.Buffer
		if exit := do(event, &answer); exit != 0 {
			return exit
		}
		answer.WriteByte('\n')
		_, err := os.Stdout.Write(answer.Bytes())
		return code(err)
	})
}

func speakActionLoop(do behaviour) int {
	answers := os.NewFile(3, "answers")
	return eachLine(func(line []byte) int {
		var event struct {
			Value json.RawMessage `json:"value"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return code(err)
		}
		var answer bytes.Buffer
		exit := do(event.Value, &answer)
		switch {
		case exit != 0 && answer.Len() > 0:
			_, err := fmt.Fprintf(answers, `{"error":%s}`+"\n", answer.Bytes())
			return code(err)
		case exit != 0:
			return exit
		case answer.Len() == 0:
			answer.WriteString("{}")
		}
		answer.WriteByte('\n')
		_, err := answers.Write(answer.Bytes())
		return code(err)
	})
}

// speakJSONRPC serves every event in a goroutine of its own. What is JSON goes out
// as a result, other bytes in chunks.
func speakJSONRPC(do behaviour) int {
	var turn sync.Mutex
	say := func(message map[string]any) {
		message["jsonrpc"] = "2.0"
		text, err := json.Marshal(message)
		if err != nil {
			panic(err)
		}
		turn.Lock()
		defer turn.Unlock()
		_, _ = os.Stdout.Write(append(text, '\n'))
	}
	return eachLine(func(line []byte) int {
		var request struct {
			ID     string
			Method string
			Params struct{ Event json.RawMessage }
		}
		if err := json.Unmarshal(line, &request); err != nil {
			return code(err)
		}
		switch request.Method {
		case "initialize":
			say(map[string]any{"id": request.ID, "result": map[string]any{}})
		case "invoke":
			go serveJSONRPC(do, request.ID, request.Params.Event, say)
		}
		return 0
	})
}

func serveJSONRPC(do behaviour, id string, event []byte, say func(map[string]any)) {
	var answer bytes.Buffer
	exit := do(event, &answer)
	text := answer.Bytes()
	switch {
	case exit != 0 && len(text) > 0:
		var own failure
		if err := json.Unmarshal(text, &own); err != nil {
			os.Exit(code(err))
		}
		say(map[string]any{"id": id, "error": map[string]any{"code": 1, "message": own.Message,
			"data": map[string]any{"errorType": own.Type, "stackTrace": own.Stack}}})
	case exit != 0:
		os.Exit(exit)
	case json.Valid(text):
		say(map[string]any{"id": id, "result": json.RawMessage(text)})
	default:
		chunk := map[string]any{"id": id, "data": string(text)}
		if !utf8.Valid(text) {
			chunk["data"], chunk["encoding"] = base64.StdEncoding.EncodeToString(text), "base64"
		}
		say(map[string]any{"method": "chunk", "params": chunk})
		say(map[string]any{"id": id, "result": nil})
	}
}

// serve makes a web server of a behaviour.
func serve(do behaviour) int {
	return code(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := io.ReadAll(r.Body)
		if err != nil {
			os.Exit(code(err))
		}
		var answer bytes.Buffer
		exit := do(event, &answer)
		switch {
		case exit != 0 && answer.Len() > 0:
			w.WriteHeader(http.StatusInternalServerError)
		case exit != 0:
			os.Exit(exit)
		}
		_, _ = w.Write(answer.Bytes())
	})))
}
