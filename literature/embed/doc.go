// Package embed asks endpoints for vectors of texts and for a second opinion on the
// order of a few.
//
// [Client.Embed] speaks the embeddings of OpenAI, which vLLM, Ollama and llama.cpp
// also answer, or those of Hugging Face's text-embeddings-inference (TEI);
// [Client.Rerank] the reranking of TEI. What an endpoint answers is checked (as many
// vectors as texts, all of one dimension, all numbers with a direction), bounded in
// bytes and time, and kept by a [Cache], so that a text is asked for once.
package embed
