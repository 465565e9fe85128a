// Package llm has a language model find quantities in papers, through an endpoint
// that speaks the chat completions of OpenAI, as those of vLLM, llama.cpp, Ollama and
// TGI do.
//
// A model is a reader that is not believed. What it claims has to come with the
// words that it read it in; the words have to stand in the text, the number and the
// unit in the words, and the value is then read from there and not taken from the
// model. What fails is dropped and counted. So a model can miss a quantity or give
// it a wrong name, and it cannot make one up.
//
// A paper may say anything, also that whoever reads it must do something. Nothing a
// model answers is done: an answer is parsed as a list of claims or dropped, and no
// tool, address or file is in its reach.
package llm
