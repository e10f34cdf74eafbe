"""The screen: turns widgets into requests and events into pictures. Gradio, with our own style sheet."""
